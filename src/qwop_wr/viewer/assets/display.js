// What is written over the picture, and the speed curve below it.

const KEY_BITS = [["Q", 1], ["W", 2], ["O", 4], ["P", 8]];
const TRACK_LENGTH = 100;

function plate({ context, colour }, x, y, width, height, name) {
  context.fillStyle = colour(name);
  context.beginPath();
  context.roundRect(x, y, width, height, Math.min(width, height) * 0.22);
  context.fill();
}

// Distance, clock and progress of one run, and its keys.
function drawReadings(scene, film, moment) {
  const { context, width, colour } = scene;
  const size = Math.min(1, Math.max(0.5, width / 860));
  const middle = width / 2;
  plate(scene, middle - 170 * size, 14 * size, 340 * size, 62 * size, "--panel");
  context.textBaseline = "middle";
  context.fillStyle = colour("--panel-ink");
  context.font = `600 ${29 * size}px system-ui, sans-serif`;
  context.textAlign = "right";
  context.fillText(`${film.distance(moment).toFixed(1)} m`, middle - 18 * size, 39 * size);
  context.textAlign = "left";
  context.fillText(`${film.clock(moment).toFixed(2)} s`, middle + 18 * size, 39 * size);
  const [from, length, y] = [middle - 146 * size, 292 * size, 63 * size];
  const share = Math.min(1, Math.max(0, film.distance(moment) / TRACK_LENGTH));
  plate(scene, from, y - 1.5 * size, length, 3 * size, "--panel-faint");
  plate(scene, from, y - 1.5 * size, Math.max(length * share, 4), 3 * size, "--pressed");
  context.beginPath();
  context.arc(from + length * share, y, 5 * size, 0, 2 * Math.PI);
  context.fill();
  drawKeys(scene, film.keysAt(moment), size);
}

function drawKeys(scene, keys, size) {
  const { context, width, colour } = scene;
  const [side, gap, edge] = [46 * size, 52 * size, 18 * size];
  context.textAlign = "center";
  context.font = `600 ${23 * size}px system-ui, sans-serif`;
  KEY_BITS.forEach(([name, bit], place) => {
    const x = place < 2 ? edge + place * gap : width - edge - side - (3 - place) * gap;
    const pressed = Boolean(keys & bit);
    const y = (18 + (pressed ? 4 : 0)) * size;
    plate(scene, x, 23 * size, side, side, "--key-edge");
    plate(scene, x, y, side, side, pressed ? "--pressed" : "--key");
    context.fillStyle = colour("--key-ink");
    context.fillText(name, x + side / 2, y + side / 2);
  });
}

// The whole track in one line, everyone a dot on it.
function drawOverview(scene, places) {
  const { context, width, height, colour } = scene;
  const [from, length, y] = [24, width - 48, Math.max(24, height * 0.07)];
  plate(scene, 8, y - 16, width - 16, 34, "--panel");
  plate(scene, from, y, length, 3, "--panel-faint");
  context.fillStyle = colour("--panel-faint");
  for (let mark = 0; mark <= TRACK_LENGTH; mark += 10) {
    context.fillRect(from + (length * mark) / TRACK_LENGTH - 0.5, y - 4, 1, 11);
  }
  for (const { metres, paint, ghost } of [...places].reverse()) {
    const share = Math.min(1, Math.max(0, metres / TRACK_LENGTH));
    context.beginPath();
    context.arc(from + length * share, y + 1.5, ghost ? 5 : 6.5, 0, 2 * Math.PI);
    context.fillStyle = paint;
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = colour("--panel-ink");
    context.stroke();
  }
}

// A name behind a runner's feet, or at the edge for one who is out of the picture.
function drawName({ context, scale, colour }, text, x, ground, paint) {
  context.font = "600 11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.textAlign = "left";
  const words = x < 0 ? `\u25C0 ${text}` : text;
  const room = context.measureText(words).width + 14;
  const left = Math.max(6, x - room - 5 * scale);
  context.fillStyle = colour("--panel");
  context.beginPath();
  context.roundRect(left, ground - 12, room, 18, 5);
  context.fill();
  context.fillStyle = paint;
  context.fillRect(left, ground - 12, 3, 18);
  context.fillStyle = colour("--panel-ink");
  context.fillText(words, left + 8, ground - 3);
}

// Speed over time. lines: [{ film, paint }].
function drawSpeeds({ context, width, height, colour, game }, lines, ticks, moment) {
  const fastest = 3.5;
  const [base, room] = [height - 14, height - 20];
  const x = (tick) => (tick / Math.max(1, ticks)) * width;
  const y = (speed) => base - (Math.min(Math.max(speed, 0), fastest) / fastest) * room;
  context.clearRect(0, 0, width, height);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "alphabetic";
  context.textAlign = "center";
  context.fillStyle = colour("--muted");
  context.strokeStyle = colour("--grid");
  context.lineWidth = 1;
  const leader = lines[0].film;
  for (const mark of [10, 20, 30, 40, 50, 60, 70, 80, 90]) {
    const tick = leader.tickAt(mark);
    if (tick === null) break;
    context.beginPath();
    context.moveTo(x(tick), 4);
    context.lineTo(x(tick), base);
    context.stroke();
    const words = mark === 50 && width > 480 ? "50 m, hurdle" : String(mark);
    context.fillText(words, x(tick), height - 2);
  }
  context.setLineDash([4, 4]);
  context.strokeStyle = colour("--human");
  context.beginPath();
  context.moveTo(0, y(TRACK_LENGTH / game.pace.seconds));
  context.lineTo(width, y(TRACK_LENGTH / game.pace.seconds));
  context.stroke();
  context.setLineDash([]);
  for (const { film, paint } of [...lines].reverse()) {
    context.strokeStyle = paint;
    context.lineWidth = lines.length > 1 ? 1.4 : 2;
    context.beginPath();
    for (let tick = 0; tick <= film.ticks; tick += 2) context.lineTo(x(tick), y(film.speed(tick)));
    context.stroke();
  }
  context.fillStyle = colour("--ink");
  context.fillRect(x(moment) - 1, 0, 2, base);
  context.textAlign = "left";
  context.fillStyle = colour("--muted");
  context.fillText("speed [m/s]", 4, 12);
}
