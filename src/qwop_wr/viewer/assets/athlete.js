// The runner: limbs between the joints of the physics, in running kit.

const SKIN = { near: "#ecb68a", far: "#c08662" };
const KITS = [
  { shirt: "#e84a3f", shorts: { near: "#263054", far: "#1b223e" }, shoes: "#ffc42b" },
  { shirt: "#12936b", shorts: { near: "#1f3a38", far: "#162a29" }, shoes: "#f4f4f4" },
  { shirt: "#b35c93", shorts: { near: "#43274a", far: "#301c36" }, shoes: "#9ad9f5" },
  { shirt: "#d98c00", shorts: { near: "#4a3418", far: "#352511" }, shoes: "#f4f4f4" },
  { shirt: "#3d9bd6", shorts: { near: "#22405c", far: "#182e43" }, shoes: "#ffd98a" },
];

// Draws in world units on a view: { context, left, ground, scale, game }.
class Brush {
  constructor(view) {
    Object.assign(this, view);
  }

  x(units) {
    return (units - this.left) * this.scale;
  }

  y(units) {
    return (units - this.game.groundY) * this.scale + this.ground;
  }

  shape(points, colour) {
    this.context.fillStyle = colour;
    this.context.beginPath();
    for (const [x, y] of points) this.context.lineTo(this.x(x), this.y(y));
    this.context.fill();
  }

  disc([x, y], radius, colour) {
    this.context.fillStyle = colour;
    this.context.beginPath();
    this.context.arc(this.x(x), this.y(y), radius * this.scale, 0, 2 * Math.PI);
    this.context.fill();
  }

  // A limb that tapers between two round ends.
  limb([x1, y1], [x2, y2], r1, r2, colour) {
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const [across, down] = [(y1 - y2) / length, (x2 - x1) / length];
    this.shape([
      [x1 + across * r1, y1 + down * r1],
      [x2 + across * r2, y2 + down * r2],
      [x2 - across * r2, y2 - down * r2],
      [x1 - across * r1, y1 - down * r1],
    ], colour);
    this.disc([x1, y1], r1, colour);
    this.disc([x2, y2], r2, colour);
  }
}

class Athlete {
  constructor(brush, pose, kit) {
    Object.assign(this, { brush, pose, kit, game: brush.game });
  }

  // A point given in a body's own frame.
  point(body, x, y) {
    const place = this.game.bodies.indexOf(body) * PLACES;
    const [cx, cy, angle] = this.pose.subarray(place, place + PLACES);
    const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
    return [cx + cosine * x - sine * y, cy + sine * x + cosine * y];
  }

  points(body, corners) {
    return corners.map(([x, y]) => this.point(body, x, y));
  }

  joint(name) {
    const { body, x, y } = this.game.joints[name];
    return this.point(body, x, y);
  }

  draw() {
    this.arm("left", SKIN.far);
    this.leg("left", SKIN.far, this.kit.shorts.far);
    this.head();
    this.torso();
    this.leg("right", SKIN.near, this.kit.shorts.near);
    this.arm("right", SKIN.near);
  }

  arm(side, skin) {
    const [shoulder, elbow] = [this.joint(`${side}_shoulder`), this.joint(`${side}_elbow`)];
    const hand = this.point(`${side}_forearm`, ...this.game.hands[side]);
    this.brush.limb(shoulder, elbow, 0.66, 0.5, skin);
    this.brush.limb(elbow, hand, 0.5, 0.36, skin);
    this.brush.disc(hand, 0.47, skin);
  }

  leg(side, skin, shorts) {
    const [hip, knee] = [this.joint(`${side}_hip`), this.joint(`${side}_knee`)];
    const ankle = this.joint(`${side}_ankle`);
    const between = (from, to, share) =>
      [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
    this.shoe(`${side}_foot`);
    this.brush.limb(knee, ankle, 0.72, 0.42, skin);
    this.brush.limb(ankle, between(ankle, knee, 0.18), 0.46, 0.46, "#fafafa");
    this.brush.limb(hip, knee, 1.05, 0.74, skin);
    this.brush.limb(hip, between(hip, knee, 0.45), 1.16, 1.0, shorts);
  }

  shoe(foot) {
    const upper = [[-1.2, 0.45], [-1.25, -0.45], [-0.35, -0.7], [0.4, -0.35], [1.3, 0.05], [1.45, 0.45]];
    this.brush.shape(this.points(foot, upper), this.kit.shoes);
    this.brush.limb(this.point(foot, -1.1, 0.48), this.point(foot, 1.3, 0.48), 0.2, 0.18, "#fafafa");
  }

  torso() {
    const waist = [this.point("torso", -2.1, -0.1), this.point("torso", -1.2, -0.1)];
    this.brush.limb(...waist, 1.2, 1.22, this.kit.shorts.near);
    const outline = [
      [-1.3, -1.18], [0.4, -1.28], [2.0, -1.4], [2.75, -0.9], [2.95, 0],
      [2.75, 0.85], [1.9, 1.3], [0.4, 1.12], [-1.3, 1.1],
    ];
    this.brush.shape(this.points("torso", outline), this.kit.shirt);
    const stripe = [[0.9, -1.32], [1.35, -1.35], [1.35, 1.22], [0.9, 1.17]];
    this.brush.shape(this.points("torso", stripe), "#ffffff");
  }

  head() {
    const { brush } = this;
    brush.limb(this.point("torso", 2.5, 0), this.point("head", 0, 0.3), 0.6, 0.55, SKIN.near);
    brush.disc(this.point("head", -0.12, -0.32), 1.32, "#3a261e");
    brush.disc(this.point("head", 0.14, 0.04), 1.2, SKIN.near);
    const band = [[-1.2, -0.75], [1.1, -0.75], [1.24, -0.35], [-1.3, -0.35]];
    brush.shape(this.points("head", band), "#ffffff");
    brush.shape(this.points("head", [[1.2, 0], [1.62, 0.36], [1.18, 0.45]]), SKIN.near);
    brush.disc(this.point("head", 0.82, 0), 0.17, "#3a261e");
    brush.disc(this.point("head", -0.25, 0.25), 0.3, SKIN.far);
  }
}

// The hurdle, where it stands or where this runner has kicked it.
function drawHurdle(brush, pose) {
  const hurdle = new Athlete(brush, pose, KITS[0]);
  const { foot, post } = brush.game.hurdle;
  const box = (body, left, top, right, bottom, colour) =>
    brush.shape(hurdle.points(body, [[left, top], [right, top], [right, bottom], [left, bottom]]), colour);
  box("hurdle_base", -foot.halfWidth, -0.3, foot.halfWidth, 0.3, "#464e5c");
  const width = post.halfWidth * 0.6;
  box("hurdle_top", -width, -post.halfHeight, width, post.halfHeight, "#f5f5f5");
  for (const top of [-post.halfHeight, -post.halfHeight + 2.6]) {
    box("hurdle_top", -post.halfWidth, top, post.halfWidth, top + 1.3, "#e23e34");
  }
}

function drawShadow(brush, pose) {
  const xs = Array.from({ length: brush.game.parts }, (_, part) => pose[part * PLACES]);
  const middle = brush.x((Math.min(...xs) + Math.max(...xs)) / 2);
  const reach = ((Math.max(...xs) - Math.min(...xs)) / 2 + 0.8) * brush.scale;
  brush.context.fillStyle = "rgb(40 20 20 / 0.28)";
  brush.context.beginPath();
  brush.context.ellipse(middle, brush.ground + 0.15 * brush.scale, reach, 0.3 * brush.scale, 0, 0, 2 * Math.PI);
  brush.context.fill();
}
