// The two pictures: one runner close up, or everyone in a lane.

const VIEW_UNITS = 27; // height of the close-up in world units
const RACE_UNITS = { near: 50, far: 115 }; // the same in a race, by how far the field is spread

class Stage {
  constructor(canvas, game, colour) {
    Object.assign(this, { canvas, game, colour, context: canvas.getContext("2d") });
  }

  // Match the canvas to its place on the page and to the screen's pixels.
  fit() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const density = Math.min(3, window.devicePixelRatio || 1);
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    this.context.setTransform(density, 0, 0, density, 0, 0);
    Object.assign(this, { width, height });
  }

  scene(left, scale, top, bottom, lanes) {
    const { context, width, height, colour, game } = this;
    return { context, width, height, colour, game, left, scale, top, bottom, lanes };
  }

  drawSolo({ film, kit }, moment) {
    const { height, width } = this;
    const scale = height / VIEW_UNITS;
    const ground = 0.815 * height;
    const pose = film.pose(moment);
    const scene = this.scene(pose[0] - (0.375 * width) / scale, scale, 0.778 * height, 0.885 * height, []);
    drawScenery(scene);
    const brush = new Brush({ ...scene, ground });
    drawShadow(brush, pose);
    drawHurdle(brush, pose);
    new Athlete(brush, pose, kit).draw();
    drawReadings(scene, film, moment);
  }

  // runners: [{ film, kit, paint }], the first in the nearest lane; the pace runs behind.
  drawRace(runners, pace, moment) {
    const { height, game } = this;
    const [top, bottom] = [0.46 * height, 0.92 * height];
    const lane = (bottom - top) / (runners.length + 1);
    const clock = (moment + 1) * game.clockStep;
    const paced = {
      name: pace.label,
      metres: pace.metresAt(clock),
      paint: this.colour("--human"),
      ground: top + 0.7 * lane,
      ghost: true,
    };
    const places = runners.map((runner, index) => {
      const pose = runner.film.pose(moment);
      const ground = bottom - lane * (index + 0.3);
      return { ...runner, pose, ground, name: runner.film.label, metres: pose[0] / game.unitsPerMetre };
    });
    const everyone = [...places, paced];
    const { left, scale, first } = this.follow(everyone.map(({ metres }) => metres));
    const lines = runners.map((_, index) => top + lane * (index + 1));
    const scene = this.scene(left, scale, top, bottom, lines);
    drawScenery(scene);
    this.drawPace(scene, runners[0], paced);
    for (const { pose, ground, kit } of [...places].reverse()) {
      const brush = new Brush({ ...scene, ground });
      drawShadow(brush, pose);
      drawHurdle(brush, pose);
      new Athlete(brush, pose, kit).draw();
    }
    for (const { name, metres, ground, paint } of everyone) {
      const gap = first - metres;
      const words = gap > 0.05 ? `${name}  \u2212${gap.toFixed(1)} m` : name;
      drawName(scene, words, (metres * game.unitsPerMetre - left) * scale, ground, paint);
    }
    drawOverview(scene, everyone);
  }

  // A camera ahead of the first that keeps the last in view, as far as that goes.
  follow(metres) {
    const { width, height, game } = this;
    const [first, last] = [Math.max(...metres), Math.min(...metres)];
    const wanted = (0.62 * width) / Math.max((first - last) * game.unitsPerMetre, 1);
    const scale = Math.min(Math.max(wanted, height / RACE_UNITS.far), height / RACE_UNITS.near);
    return { first, scale, left: first * game.unitsPerMetre - (0.8 * width) / scale };
  }

  // Of the human record only clocks are known: its figure borrows the first runner's poses.
  drawPace(scene, { film }, { metres, paint, ground }) {
    const { context } = scene;
    const x = (metres * this.game.unitsPerMetre - scene.left) * scene.scale;
    context.globalAlpha = 0.5;
    context.fillStyle = paint;
    context.fillRect(x - 1, scene.top, 2, scene.bottom - scene.top);
    const tick = film.tickAt(metres);
    if (tick !== null) {
      const kit = { shirt: paint, shorts: { near: paint, far: paint }, shoes: paint };
      new Athlete(new Brush({ ...scene, ground }), film.pose(tick), kit).draw();
    }
    context.globalAlpha = 1;
  }
}
