// What the runners run through: sky, hills, track and sand pit.

const HILLS = [
  { speed: 0.1, height: 74, wavelength: 330, colour: "--hill-far" },
  { speed: 0.22, height: 46, wavelength: 210, colour: "--hill-near" },
];

// scene: { context, width, height, left, scale, top, bottom, lanes, colour, game };
// the track lies between top and bottom, lanes are the heights of the lines between lanes.
function drawScenery(scene) {
  const { context, width, height, top, bottom, colour } = scene;
  const horizon = top - 0.052 * height;
  const sky = context.createLinearGradient(0, 0, 0, horizon);
  sky.addColorStop(0, colour("--sky-top"));
  sky.addColorStop(1, colour("--sky-bottom"));
  context.fillStyle = sky;
  context.fillRect(0, 0, width, horizon);
  drawSun(scene);
  for (const hill of HILLS) drawHill(scene, hill, horizon);
  const band = (from, to, name) => {
    context.fillStyle = colour(name);
    context.fillRect(0, from, width, to - from);
  };
  band(horizon, top, "--infield");
  band(top, bottom, "--tartan");
  band(bottom, height, "--verge");
  band(top + 4, top + 6, "--line");
  band(bottom - 4, bottom - 2, "--line");
  for (const lane of scene.lanes) band(lane - 1, lane, "--line-faint");
  drawMarks(scene);
  drawSandPit(scene);
}

function drawSun({ context, width, height, colour }) {
  for (const [radius, name] of [[0.115, "--sun-halo"], [0.085, "--sun"]]) {
    context.fillStyle = colour(name);
    context.beginPath();
    context.arc(0.8 * width, 0.28 * height, radius * height, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawHill({ context, width, height, left, scale, colour }, hill, horizon) {
  const size = height / 540;
  context.fillStyle = colour(hill.colour);
  context.beginPath();
  context.moveTo(0, horizon);
  for (let x = 0; x <= width + 8; x += 8) {
    const phase = (x / size + ((left * scale) / size) * hill.speed) / hill.wavelength;
    const wave = Math.sin(phase) + 0.5 * Math.sin(2.3 * phase + 1) + 0.25 * Math.sin(5.1 * phase);
    context.lineTo(x, horizon - hill.height * size * (0.62 + 0.32 * wave));
  }
  context.lineTo(width, horizon);
  context.fill();
}

// A line across the track leans, to suggest depth.
function acrossTrack({ context, top, bottom, colour }, x, thickness, name) {
  const lean = 0.17 * (bottom - top);
  context.fillStyle = colour(name);
  context.beginPath();
  context.moveTo(x + lean, top);
  context.lineTo(x + lean + thickness, top);
  context.lineTo(x - lean + thickness, bottom);
  context.lineTo(x - lean, bottom);
  context.fill();
  return lean;
}

function drawMarks(scene) {
  const { context, width, height, left, scale, bottom, colour, game } = scene;
  const metre = game.unitsPerMetre;
  const last = Math.min(Math.ceil((left + width / scale) / metre) + 1, game.finishX / metre);
  const size = Math.max(11, height * 0.038);
  context.textAlign = "center";
  context.textBaseline = "top";
  for (let mark = Math.max(0, Math.floor(left / metre) - 1); mark <= last; mark++) {
    const x = (mark * metre - left) * scale;
    if (mark % 10 === 0) {
      const lean = acrossTrack(scene, x, Math.max(2, height / 110), "--line");
      context.fillStyle = colour("--line");
      context.font = `600 ${size}px system-ui, sans-serif`;
      context.fillText(mark ? `${mark} m` : "START", x - lean, bottom + 5);
    } else {
      context.fillStyle = colour("--line-faint");
      context.fillRect(x - 1, bottom - 6, 2, 10);
      context.font = `${size * 0.6}px system-ui, sans-serif`;
      if (metre * scale > 45) context.fillText(String(mark), x, bottom + 6);
    }
  }
}

function drawSandPit(scene) {
  const { context, width, left, scale, top, bottom, colour, game } = scene;
  const x = (game.finishX - left) * scale;
  if (x > width + bottom - top) return;
  const lean = 0.17 * (bottom - top);
  context.fillStyle = colour("--sand");
  context.beginPath();
  context.moveTo(x + lean, top);
  context.lineTo(width + lean, top);
  context.lineTo(width + lean, bottom);
  context.lineTo(x - lean, bottom);
  context.fill();
  context.fillStyle = colour("--sand-dark");
  for (let grain = 0; grain < 160; grain++) {
    // The golden ratio spreads the grains without chance.
    const down = (grain * 0.618034) % 1;
    context.fillRect(x + 20 + grain * 5, top + 4 + down * (bottom - top - 8), 2, 2);
  }
  const squares = 8;
  for (let square = 0; square < squares; square++) {
    const y = top + ((bottom - top) * square) / squares;
    const shift = lean * (1 - (2 * (square + 0.5)) / squares);
    context.fillStyle = square % 2 ? "#282c3c" : "#fafafa";
    context.fillRect(x + shift - 4, y, 8, (bottom - top) / squares + 1);
  }
}
