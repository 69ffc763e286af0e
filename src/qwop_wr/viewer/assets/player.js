// The player: what is shown, and the buttons and keys that change it.

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];
const LONGEST_FRAME = 0.25; // a page that was asleep does not jump ahead [s]

class Player {
  constructor(root, data) {
    this.root = root;
    this.game = data.game;
    this.films = data.runs.map((run) => new Film(run, data.game));
    this.pace = new Pace(data.game.pace, data.game.clockStep);
    this.chosen = 0;
    this.racing = new Set(this.films.keys());
    this.isRace = false;
    this.moment = 0;
    this.rate = 1;
    this.playing = false;
    this.find = (name) => root.querySelector(`[data-role="${name}"]`);
    this.readColours();
    const colour = (name) => this.colours[name];
    this.stage = new Stage(this.find("stage"), this.game, colour);
    this.curve = new Stage(this.find("curve"), this.game, colour);
    this.list = this.films.map((film, index) => this.listEntry(film, index));
    this.listen();
    this.resize();
    this.update();
  }

  get shown() {
    const indices = this.isRace ? [...this.racing].sort((a, b) => a - b) : [this.chosen];
    return indices.map((index) => ({
      film: this.films[index],
      kit: KITS[index % KITS.length],
      paint: this.colours[`--lane-${(index % KITS.length) + 1}`],
    }));
  }

  get ticks() {
    const lengths = this.shown.map(({ film }) => film.ticks);
    return Math.max(...lengths, this.isRace ? this.pace.ticks : 0);
  }

  readColours() {
    const style = getComputedStyle(this.root);
    const names = this.root.dataset.colours.split(" ");
    this.colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name).trim()]));
  }

  listEntry(film, index) {
    const entry = document.createElement("li");
    const button = document.createElement("button");
    const [dot, name, reading, note] = ["i", "b", "output", "small"].map((tag) => {
      const element = document.createElement(tag);
      button.append(element);
      return element;
    });
    button.type = "button";
    dot.style.background = this.colours[`--lane-${(index % KITS.length) + 1}`];
    name.textContent = film.label;
    note.textContent = film.detail;
    button.addEventListener("click", () => this.choose(index));
    entry.append(button);
    this.find("runs").append(entry);
    return { button, dot, reading };
  }

  listen() {
    const act = {
      play: () => this.toggle(),
      back: () => this.seek(Math.ceil(this.moment) - 1),
      on: () => this.seek(Math.floor(this.moment) + 1),
      solo: () => this.setRace(false),
      race: () => this.setRace(true),
    };
    for (const [name, action] of Object.entries(act)) this.find(name).addEventListener("click", action);
    this.find("scrub").addEventListener("input", (event) => this.seek(Number(event.target.value)));
    this.find("rate").addEventListener("change", (event) => this.setRate(Number(event.target.value)));
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    const curve = this.find("curve");
    const scrub = (event) => {
      if (event.type === "pointerdown") curve.setPointerCapture(event.pointerId);
      if (event.buttons) this.seek(Math.round((event.offsetX / curve.clientWidth) * this.ticks));
    };
    curve.addEventListener("pointerdown", scrub);
    curve.addEventListener("pointermove", scrub);
    this.find("stage").addEventListener("click", () => this.toggle());
    new ResizeObserver(() => this.resize()).observe(this.root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.readColours();
      this.list.forEach(({ dot }, index) => {
        dot.style.background = this.colours[`--lane-${(index % KITS.length) + 1}`];
      });
      this.draw();
    });
    this.playWhenSeen();
  }

  // Moves by itself once it is in view, unless the reader wants no motion or has taken over.
  playWhenSeen() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const watch = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      watch.disconnect();
      if (!this.touched) this.setPlaying(true);
    }, { threshold: 0.4 });
    watch.observe(this.find("stage"));
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = event.target.closest("button, select") !== null;
    const second = Math.round(1 / this.game.clockStep);
    const faster = (by) => SPEEDS[Math.min(Math.max(SPEEDS.indexOf(this.rate) + by, 0), SPEEDS.length - 1)];
    const act = {
      k: () => this.toggle(),
      ArrowLeft: () => this.seek(Math.ceil(this.moment) - (event.shiftKey ? second : 1)),
      ArrowRight: () => this.seek(Math.floor(this.moment) + (event.shiftKey ? second : 1)),
      Home: () => this.seek(0),
      End: () => this.seek(this.ticks),
      "+": () => this.setRate(faster(1)),
      "-": () => this.setRate(faster(-1)),
      r: () => this.setRace(!this.isRace),
    };
    // A button or list in focus has its own use for space and arrows.
    if (!onButton) act[" "] = act.k;
    else if (event.target.tagName === "SELECT") return;
    const number = Number(event.key) - 1;
    if (event.key >= "1" && number < this.films.length) this.choose(number);
    else if (Object.hasOwn(act, event.key)) act[event.key]();
    else return;
    event.preventDefault();
  }

  choose(index) {
    this.touched = true;
    if (!this.isRace) {
      this.chosen = index;
    } else if (!this.racing.delete(index)) {
      this.racing.add(index);
    } else if (this.racing.size === 0) {
      this.racing.add(index);
    }
    this.seek(this.moment);
  }

  setRace(isRace) {
    this.touched = true;
    this.isRace = isRace;
    this.seek(this.moment);
  }

  setRate(rate) {
    this.rate = rate;
    this.find("rate").value = String(rate);
  }

  toggle() {
    if (!this.playing && this.moment >= this.ticks) this.moment = 0;
    this.touched = true;
    this.setPlaying(!this.playing);
  }

  seek(moment) {
    this.touched = true;
    this.setPlaying(false);
    this.moment = Math.min(Math.max(0, moment), this.ticks);
    this.update();
  }

  setPlaying(playing) {
    this.playing = playing;
    const button = this.find("play");
    button.classList.toggle("playing", playing);
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
    if (!playing) return;
    let before = null;
    const frame = (now) => {
      if (!this.playing) return;
      const passed = before === null ? 0 : Math.min((now - before) / 1000, LONGEST_FRAME);
      before = now;
      this.moment = Math.min(this.moment + (passed * this.rate) / this.game.clockStep, this.ticks);
      this.update();
      if (this.moment >= this.ticks) this.setPlaying(false);
      else requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  resize() {
    this.stage.fit();
    this.curve.fit();
    this.draw();
  }

  // Everything that changes with the moment.
  update() {
    const scrub = this.find("scrub");
    const [{ film }] = this.shown;
    scrub.max = String(this.ticks);
    scrub.value = String(this.moment);
    const clock = this.isRace ? (Math.floor(this.moment) + 1) * this.game.clockStep : film.clock(this.moment);
    this.find("clock").textContent = `${clock.toFixed(2)} s`;
    this.find("distance").textContent = `${film.distance(this.moment).toFixed(1)} m`;
    scrub.setAttribute("aria-valuetext", `${clock.toFixed(1)} seconds`);
    this.find("solo").setAttribute("aria-pressed", String(!this.isRace));
    this.find("race").setAttribute("aria-pressed", String(this.isRace));
    this.list.forEach(({ button, reading }, index) => {
      const run = this.films[index];
      const isShown = this.isRace ? this.racing.has(index) : index === this.chosen;
      const isOver = this.moment >= run.ticks;
      button.setAttribute("aria-pressed", String(isShown));
      reading.textContent = isOver && run.finished
        ? `${run.clock(run.ticks).toFixed(2)} s`
        : `${run.distance(this.moment).toFixed(1)} m`;
    });
    this.draw();
  }

  draw() {
    const { shown } = this;
    if (this.isRace) this.stage.drawRace(shown, this.pace, this.moment);
    else this.stage.drawSolo(shown[0], this.moment);
    drawSpeeds(this.curve, shown, this.ticks, this.moment);
  }
}

for (const root of document.querySelectorAll("[data-player]")) {
  new Player(root, JSON.parse(root.querySelector("script").textContent));
}
