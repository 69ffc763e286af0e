// A stand-in for the game's page: the same loop, the same hooks, a toy world. See toy.py.
(() => {
  "use strict";
  const { parts, hurdle, joints, faults } = TOY;
  const STEP = 0.03333333333333333;

  const vector = (x, y) => ({ x, y });
  const sprite = (body) => ({ _components: { get: () => ({ body }) } });

  class Body {
    constructor(name, spec) {
      Object.assign(this, { name, x: spec.x, y: spec.y, angle: spec.angle, vx: 0, vy: 0 });
      Object.assign(this, { m_angularVelocity: 0, m_mass: spec.mass, m_I: spec.inertia });
      this.m_torque = 0;
      this.m_fixtureList = { m_friction: spec.friction, getBody: () => this };
    }
    getPosition() { return vector(this.x, this.y); }
    getLinearVelocity() { return vector(this.vx, this.vy); }
    getAngle() { return this.angle; }
    getUserData() { return this.name; }
  }

  class Main {
    constructor() {
      this.world_camera_offset = -14;
      this.QDown = this.WDown = this.ODown = this.PDown = false;
      this.doneLoading = this.firstClick = this.isUsed = false;
      this.cameraX = -200;
      this.world_camera = { get_pos: () => ({ x: this.cameraX }) };
      this.m_world = { m_gravity: vector(0, 10), m_contactList: null };
      this.gameOverText = { geom: { text: "" } };
      setTimeout(() => {
        this.createPlayer();
        this.doneLoading = true;
      }, 50);
    }

    createPlayer() {
      this.bodies = [];
      for (const [name, spec] of [...Object.entries(parts), ...Object.entries(hurdle)]) {
        const body = new Body(name, spec);
        this[name] = sprite(body);
        this.bodies.push(body);
      }
      for (const [name, [lower, upper, torque]] of Object.entries(joints)) {
        this[name] = { m_lowerAngle: lower, m_upperAngle: upper, m_maxMotorTorque: torque };
      }
      this.ticks = -1;
    }

    reset() {
      this.score = this.scoreTime = 0;
      this.createPlayer();
      if (this.isUsed) for (const body of this.bodies) body.x += 0.5;
      this.fallen = this.jumped = this.jumpLanded = this.gameEnded = false;
      this.gameOverText.geom.text = "";
      this.update(STEP);
    }

    update(seconds) {
      if (!this.doneLoading) return;
      if (!this.firstClick) {
        this.isUsed = true;
        return;
      }
      if (this.gameEnded) return;
      this.isUsed = true;
      this.scoreTime += seconds;
      this.ticks += 1;
      const push = (this.QDown ? 3 : 0) + (this.PDown ? 2 : 0) - (this.WDown ? 1 : 0);
      this.bodies.slice(0, 12).forEach((body, index) => {
        body.vx = 0.9 * body.vx + push * (1 + index * 0.01);
        body.x += 0.4 * body.vx + faults.drift;
        body.angle += 0.001 * body.vx;
        body.vy = 0.5 * body.angle;
        body.m_angularVelocity = 0.02 * body.vx;
      });
      const { x } = this.bodies[0];
      this.head._components.get().body.m_torque -= 0.25;
      this.cameraX = (x - 14) * 20;
      this.score = Math.round(x) / 10;
      this.touch();
      if (this.WDown && this.ODown) this.fallen = true;
      if (x > 900) this.jumped = true;
      if (x > 1000) this.jumpLanded = true;
      if (this.fallen || this.jumpLanded) {
        this.gameEnded = true;
        this.gameOverText.geom.text = `${this.score} metres`;
      }
    }

    // The left foot is on the ground in odd ticks, the right one in every third.
    touch() {
      const fixture = (name) => ({ getBody: () => ({ getUserData: () => name }) });
      let list = null;
      const add = (part, touching) => {
        list = {
          m_next: list,
          isTouching: () => touching,
          getFixtureA: () => fixture("track"),
          getFixtureB: () => fixture(part),
        };
      };
      add("leftFoot", this.ticks % 2 === 1);
      add("rightFoot", this.ticks % 3 === 0);
      this.m_world.m_contactList = list;
    }

    onmousedown() {
      if (this.doneLoading) this.firstClick = true;
    }
  }

  const game = new Main();
  const names = { 81: "QDown", 87: "WDown", 79: "ODown", 80: "PDown" };
  document.addEventListener("keydown", (event) => {
    if (event.keyCode in names) game[names[event.keyCode]] = true;
  });
  document.addEventListener("keyup", (event) => {
    if (event.keyCode in names) game[names[event.keyCode]] = false;
    if (event.keyCode === 82) game.reset();
    if (event.keyCode === 32 && game.gameEnded) game.reset();
  });
  document.querySelector("canvas").addEventListener("mousedown", (event) => game.onmousedown(event));
  window.toy = game;

  let last = performance.now() / 1000;
  let overflow = 0;
  const loop = () => {
    const now = performance.now() / 1000;
    overflow += Math.min(now - last, 0.25);
    last = now;
    for (; overflow >= STEP; overflow -= STEP) game.update(STEP);
    requestAnimationFrame(loop);
  };
  requestAnimationFrame(loop);
})();
