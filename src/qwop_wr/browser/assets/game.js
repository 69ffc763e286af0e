// The page's game: how it is caught, read, reset and given keys.

const PARTS = [
  "torso", "head", "leftArm", "leftCalf", "leftFoot", "leftForearm", "leftThigh",
  "rightArm", "rightCalf", "rightFoot", "rightForearm", "rightThigh",
];
const BODIES = [...PARTS, "hurdleBase", "hurdleTop"];
const KEYS = ["QDown", "WDown", "ODown", "PDown"]; // bits 1, 2, 4, 8 of a mask
const N_VALUES = 6 * BODIES.length + 5;

// The constructor of the page's game writes this property first, so that a setter of the
// same name is handed the instance. It works only before the page's own script has run.
function catchGame(caught) {
  Object.defineProperty(Object.prototype, "world_camera_offset", {
    configurable: true,
    set(value) {
      delete Object.prototype.world_camera_offset;
      this.world_camera_offset = value;
      caught(this);
    },
  });
}

// Its listener hears beforeTick(), which may hold the game still, and afterTick() around
// every tick but a reset's own, allows() before a restart or a click, and wasReset() after a
// restart of the person's.
class Game {
  constructor(instance, listener) {
    this.instance = instance;
    this.lastCalfKey = 0;
    this.isResetting = false;
    const { update, reset, onmousedown } = instance;
    this.originalReset = reset;
    instance.update = (seconds) => {
      if (this.isResetting) return update.call(instance, seconds);
      if (!listener.beforeTick()) return undefined;
      const held = this.held;
      update.call(instance, seconds);
      this.lastCalfKey = held & 4 || held & 8 || this.lastCalfKey;
      return listener.afterTick(held);
    };
    instance.reset = () => {
      if (!listener.allows()) return;
      this.reset();
      listener.wasReset();
    };
    instance.onmousedown = (event) => {
      if (listener.allows() || !this.hasBegun) onmousedown.call(instance, event);
    };
  }

  get isLoaded() {
    return this.instance.doneLoading === true;
  }

  get hasBegun() {
    return this.instance.firstClick === true;
  }

  get hasEnded() {
    return this.instance.gameEnded === true;
  }

  get flags() {
    const { fallen, jumped, jumpLanded, gameEnded } = this.instance;
    return (fallen ? 1 : 0) + (jumped ? 2 : 0) + (jumpLanded ? 4 : 0) + (gameEnded ? 8 : 0);
  }

  get seconds() {
    return this.instance.scoreTime;
  }

  get metres() {
    return this.instance.score;
  }

  // What the page shows at the end.
  get text() {
    return String(this.instance.gameOverText?.geom?.text ?? "");
  }

  get held() {
    return KEYS.reduce((mask, key, bit) => mask | (this.instance[key] ? 1 << bit : 0), 0);
  }

  hold(mask) {
    KEYS.forEach((key, bit) => {
      this.instance[key] = (mask & (1 << bit)) !== 0;
    });
  }

  // The intro waits for a click on the canvas.
  click() {
    const canvas = document.querySelector("canvas");
    if (!canvas) return;
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const where = { clientX: left + width / 2, clientY: top + height / 2, bubbles: true };
    for (const type of ["mousedown", "mouseup"]) canvas.dispatchEvent(new MouseEvent(type, where));
  }

  // After a click and before any tick of the page this is the hard reset, bit for bit. With
  // ticks before it the order of two contacts at a seam of the track can differ.
  reset() {
    this.hold(0);
    this.isResetting = true;
    try {
      this.originalReset.call(this.instance);
    } finally {
      this.isResetting = false;
    }
    this.lastCalfKey = 0;
  }

  body(name) {
    return this.instance[name]._components.get("physicsBody", false).body;
  }

  // x, y, angle and velocities of every body, then clock, distance, flags, camera, contacts.
  row() {
    const row = new Float64Array(N_VALUES);
    BODIES.forEach((name, index) => {
      const body = this.body(name);
      const position = body.getPosition();
      const velocity = body.getLinearVelocity();
      row.set(
        [position.x, position.y, body.getAngle(), velocity.x, velocity.y, body.m_angularVelocity],
        6 * index,
      );
    });
    const camera = this.instance.world_camera.get_pos().x;
    const touching = [...this.touchingContacts()].length;
    row.set([this.seconds, this.metres, this.flags, camera, touching], 6 * BODIES.length);
    return row;
  }

  *touchingContacts() {
    for (let contact = this.instance.m_world.m_contactList; contact; contact = contact.m_next) {
      if (contact.isTouching()) yield contact;
    }
  }

  touchesGround(part) {
    for (const contact of this.touchingContacts()) {
      const names = [contact.getFixtureA(), contact.getFixtureB()].map((fixture) =>
        fixture.getBody().getUserData(),
      );
      if (names.includes("track") && names.includes(part)) return true;
    }
    return false;
  }

  // The constants by which a changed game is known, in the order of those in the script.
  constants() {
    const { instance } = this;
    const values = { "world_camera_offset": instance.world_camera_offset };
    values.gravity = instance.m_world.m_gravity.y;
    for (const name of BODIES) {
      const body = this.body(name);
      const fixture = body.m_fixtureList;
      values[`mass of ${name}`] = body.m_mass;
      values[`inertia of ${name}`] = body.m_I;
      values[`friction of ${name}`] = fixture.m_friction;
    }
    for (const name of SCRIPT.joints) {
      const joint = instance[name];
      values[`lower limit of ${name}`] = joint.m_lowerAngle;
      values[`upper limit of ${name}`] = joint.m_upperAngle;
      values[`torque of ${name}`] = joint.m_maxMotorTorque;
    }
    return values;
  }

  // In what this is not the original game; empty if in nothing that the hooks see.
  difference() {
    let found;
    try {
      found = this.constants();
    } catch (error) {
      return `its parts are not where they should be (${error.message})`;
    }
    for (const [name, expected] of Object.entries(SCRIPT.constants)) {
      const value = found[name];
      const isNear = Math.abs(value - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
      if (!isNear) return `${name} is ${value}, the original's is ${expected}`;
    }
    return "";
  }
}
