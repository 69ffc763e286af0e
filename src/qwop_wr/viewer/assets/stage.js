// The two pictures: one runner close up, or everyone in a lane.

const VIEW_UNITS = 27; // height of the close-up in world units
const RACE_UNITS = 50;

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
    const { height, width, game } = this;
    const scale = height / RACE_UNITS;
    const [top, bottom] = [0.46 * height, 0.92 * height];
    const lane = (bottom - top) / (runners.length + 1);
    const clock = (moment + 1) * game.clockStep;
    const paced = { metres: pace.metresAt(clock), paint: this.colour("--human"), ghost: true };
    const places = runners.map((runner) => ({ ...runner, pose: runner.film.pose(moment) }));
    for (const place of places) place.metres = place.pose[0] / game.unitsPerMetre;
    const first = Math.max(paced.metres, ...places.map((place) => place.metres)) * game.unitsPerMetre;
    const left = first - (0.72 * width) / scale;
    const lines = runners.map((_, index) => top + lane * (index + 1));
    const scene = this.scene(left, scale, top, bottom, lines);
    drawScenery(scene);
    this.drawPace(scene, runners[0], paced, top + 0.7 * lane);
    places.reverse().forEach((place, index) => {
      const brush = new Brush({ ...scene, ground: top + lane * (index + 1.7) });
      drawShadow(brush, place.pose);
      drawHurdle(brush, place.pose);
      new Athlete(brush, place.pose, place.kit).draw();
    });
    places.forEach((place, index) => {
      const behind = first / game.unitsPerMetre - place.metres;
      const gap = behind > 0.05 ? `  \u2212${behind.toFixed(1)} m` : "";
      const x = (place.pose[0] - left) * scale;
      drawName(scene, place.film.label + gap, x, top + lane * (index + 1.7) + 9, place.paint);
    });
    const gap = first / game.unitsPerMetre - paced.metres;
    const words = pace.label + (gap > 0.05 ? `  \u2212${gap.toFixed(1)} m` : "");
    drawName(scene, words, (paced.metres * game.unitsPerMetre - left) * scale, top + 0.7 * lane + 9, paced.paint);
    drawOverview(scene, [...places.reverse(), paced]);
  }

  // Of the human record only clocks are known: its figure borrows the first runner's poses.
  drawPace(scene, { film }, { metres, paint }, ground) {
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
