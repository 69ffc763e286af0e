// A small card in the corner of the page: who runs, the tick, keys, clock, verdict.

const CARD = `
  :host { all: initial; position: fixed; top: 8px; right: 8px; z-index: 2147483647;
    pointer-events: none; }
  div { font: 12px/1.5 system-ui, sans-serif; color: #f6f6f8; background: #16181ddd;
    border-radius: 8px; padding: 8px 12px; max-width: 300px; }
  b { font-size: 13px; }
  p { margin: 2px 0; overflow-wrap: anywhere; }
  p[hidden] { display: none; }
  i { font: 700 11px/18px ui-monospace, monospace; display: inline-block; width: 18px;
    margin-right: 3px; text-align: center; border-radius: 3px; background: #3a3e48; }
  i.held { background: #ffc42b; color: #16181d; }
  .altered { color: #ff9c8a; }
  .verdict { font-weight: 700; }
  .bad { color: #ff9c8a; }
`;

class Overlay {
  constructor(name) {
    this.host = document.createElement("qwop-overlay");
    const root = this.host.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent = CARD;
    const card = document.createElement("div");
    card.setAttribute("role", "status");
    this.lines = {};
    for (const line of ["name", "clock", "keys", "platform", "altered", "state", "verdict"]) {
      this.lines[line] = document.createElement("p");
      this.lines[line].className = line;
      this.lines[line].hidden = true;
      card.append(this.lines[line]);
    }
    const title = document.createElement("b");
    title.textContent = name;
    this.lines.name.append(title);
    this.lines.name.hidden = false;
    this.keys = [..."QWOP"].map((letter) => {
      const key = document.createElement("i");
      key.textContent = letter;
      return key;
    });
    this.lines.keys.append(...this.keys);
    root.append(style, card);
    if (document.documentElement) this.attach();
    else document.addEventListener("readystatechange", () => this.attach(), { once: true });
  }

  attach() {
    document.documentElement.append(this.host);
  }

  write(line, text) {
    this.lines[line].textContent = text;
    this.lines[line].hidden = text === "";
  }

  tick(tick, game, mask) {
    this.write("clock", `tick ${tick}   ${game.seconds.toFixed(2)} s   ${game.metres} m`);
    this.lines.keys.hidden = false;
    this.keys.forEach((key, bit) => key.classList.toggle("held", (mask & (1 << bit)) !== 0));
  }

  conclude(text, isGood) {
    this.write("state", "");
    this.write("verdict", text);
    this.lines.verdict.classList.toggle("bad", !isGood);
  }
}
