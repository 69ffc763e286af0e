// The run: from a hard reset, tick by tick, to the verdict.

class TapeKeys {
  constructor(tape) {
    this.keys = tape.keys.flatMap(([mask, ticks]) => Array(ticks).fill(mask));
  }

  next(game, tick) {
    return this.keys[tick];
  }
}

class PersonKeys {
  next(game) {
    return game.held;
  }
}

// Without a server a tape is still held against its own claims, an agent against nothing.
class Alone {
  constructor(tape) {
    this.tape = tape;
  }

  async open() {}

  begin() {}

  tick(mask, row) {
    this.row = row;
  }

  note() {}

  async finish(run) {
    if (run.reason === "stopped") return { words: run.words, good: false };
    if (!this.tape) return { words: run.words, good: run.landed };
    const bytes = new Uint8Array(this.row.buffer, 0, 8 * 6 * PARTS.length);
    const isEqual = run.ticks === this.tape.ticks && btoa(String.fromCharCode(...bytes)) === this.tape.end;
    const words = isEqual
      ? "as the tape claims, bit for bit"
      : `not as the tape claims: it ends at tick ${this.tape.ticks}`;
    return { words: `${run.words}, ${words}`, good: isEqual };
  }
}

const AGAIN = "qwop-browser-again"; // set while a person's page is loaded again

class Run {
  constructor(overlay, link, player, sine) {
    Object.assign(this, { overlay, link, player, sine });
    this.isPerson = player instanceof PersonKeys;
    this.phase = "waiting"; // then "running", then "over"
    this.isOpen = false; // whether the server, if there is one, lets this page play
    this.hasClicked = false;
  }

  async open() {
    try {
      await this.link.open();
      this.isOpen = true;
    } catch (error) {
      this.refuse(error.message, false);
    }
  }

  // Says why nothing is played; the page is the person's.
  refuse(message, isTold = true) {
    this.phase = "over";
    this.isOpen = false;
    this.overlay.conclude(message, false);
    if (isTold) this.link.note(message, true);
  }

  caught(instance) {
    this.game = new Game(instance, this);
  }

  get isRunning() {
    return this.phase === "running";
  }

  // Whether the person may restart or click.
  allows() {
    return this.phase === "over" || (this.isPerson && this.isRunning);
  }

  // A person's next run starts on a fresh page, as every run does.
  async wasReset() {
    if (!this.isPerson || !this.link.isServer) return;
    if (this.isRunning) await this.finish("restarted");
    else if (!this.isOpen) return;
    sessionStorage.setItem(AGAIN, "1");
    location.reload();
  }

  // Whether the tick may happen.
  beforeTick() {
    if (this.phase === "over" || !this.game.isLoaded) return true;
    if (this.phase === "waiting" && !(this.isOpen && this.begin())) return this.phase === "over";
    const mask = this.player.next(this.game, this.ticks, this.row);
    if (mask === undefined) this.finish("the keys are over");
    else this.game.hold(mask);
    return true;
  }

  afterTick(mask) {
    if (!this.isRunning) return;
    this.ticks += 1;
    this.record(mask);
    if (this.game.hasEnded) this.finish("ended");
    else if (this.ticks >= SCRIPT.maxTicks) this.finish("too long");
  }

  // Clicks the intro away and makes the hard reset; the page has made no tick before.
  begin() {
    const { game, overlay } = this;
    const isOurs = !this.isPerson || sessionStorage.getItem(AGAIN) !== null;
    if (!game.hasBegun && isOurs && !this.hasClicked) {
      this.hasClicked = true;
      game.click();
    }
    if (!game.hasBegun) {
      overlay.write("state", "a click on the game begins");
      return false;
    }
    sessionStorage.removeItem(AGAIN);
    game.reset();
    const difference = game.difference();
    if (difference) {
      this.refuse(`this is not the original game, or a changed one: ${difference}`);
      return false;
    }
    this.phase = "running";
    this.ticks = 0;
    overlay.write("state", this.isPerson ? "R begins anew" : "Esc stops");
    this.link.begin(this.sine);
    this.record(0);
    return true;
  }

  record(mask) {
    this.row = this.game.row();
    this.link.tick(mask, this.row);
    this.overlay.tick(this.ticks, this.game, mask);
  }

  async finish(reason) {
    const { game, ticks, overlay } = this;
    this.phase = "over";
    const landed = game.instance.jumpLanded === true;
    const end = game.hasEnded ? (landed ? "landed" : "fell") : "stopped";
    const words = `${end} at tick ${ticks}, ${game.metres} m in ${game.seconds.toFixed(2)} s`;
    const text = game.hasEnded ? game.text : "";
    if (!this.isPerson) game.hold(0);
    overlay.conclude(words, landed);
    overlay.write("state", this.isPerson ? "R begins anew" : "R plays the game yourself");
    const verdict = await this.link.finish({ reason, text, landed, ticks, words });
    overlay.conclude(verdict.words, verdict.good);
  }

  listen() {
    const onKey = (event) => {
      if (event.key === "Escape" && this.isRunning && !this.isPerson) this.finish("stopped");
    };
    window.addEventListener("keydown", onKey, { capture: true });
    document.addEventListener("visibilitychange", () => {
      if (this.isRunning) setTimeout(() => this.tellHidden(), 1000); // a page that closes hides, too
    });
    window.addEventListener("error", (event) => {
      this.error ??= event.message;
    });
    window.addEventListener("load", () => setTimeout(() => this.expectGame(), SCRIPT.patience));
  }

  // The browser gives a hidden page no frames, and so the game no ticks: nothing is lost.
  tellHidden() {
    if (!document.hidden || !this.isRunning) return;
    this.link.note("the tab is hidden: the game waits");
    this.overlay.write("state", "the game waited while the tab was hidden");
  }

  expectGame() {
    if (this.game?.isLoaded || this.phase === "over") return;
    const cause = this.error ? ` (the page's error: ${this.error})` : "";
    if (this.game && !this.error) this.overlay.write("state", "the game is loading");
    else if (this.game) this.refuse(`the game did not load${cause}`);
    else this.refuse(`no game was found: this is not QWOP, or the script came too late${cause}`);
  }
}

function play(overlay) {
  const sine = probe();
  const browser = SCRIPT.browsers[sine.platform] ?? "none of the known ones";
  overlay.write("platform", `sine: ${sine.platform} (${browser})`);
  const platform = SCRIPT.shim ?? sine.platform;
  if (SCRIPT.shim) overlay.write("altered", putSine(SCRIPT.shim));
  const tape = SCRIPT.tapes?.[platform];
  const link = SCRIPT.server ? new Link(overlay) : new Alone(tape);
  let player = new PersonKeys();
  if (SCRIPT.agent) player = new AgentKeys(SCRIPT.agent);
  else if (tape) player = new TapeKeys(tape);
  const run = new Run(overlay, link, player, sine);
  run.listen();
  catchGame((instance) => run.caught(instance));
  run.open().then(() => {
    if (SCRIPT.tapes && !tape) run.refuse(noTape(sine.platform));
  });
}

function noTape(platform) {
  const known = Object.keys(SCRIPT.tapes).map((name) => `${name} (${SCRIPT.browsers[name]})`);
  const sine = platform === "unknown" ? "is none of the known ones" : `is ${platform}'s`;
  const hint = SCRIPT.server ? "; --shim plays one altered" : "";
  return `no tape for this browser: its sine ${sine}; there are tapes for ${known.join(", ")}${hint}`;
}

const overlay = new Overlay(SCRIPT.name);
try {
  play(overlay);
} catch (error) {
  overlay.conclude(error.message, false);
}
