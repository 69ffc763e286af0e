// What happens in the page is told to `qwop browser`, on this machine, in order.

const ROWS_PER_POST = 60;
const TRIALS = 8;
const PAUSE = 250; // between trials [ms]

class Link {
  constructor(overlay) {
    this.isServer = true;
    this.overlay = overlay;
    this.queue = Promise.resolve();
    this.rows = [];
  }

  // Holds a connection as long as the page is open; throws if another page holds one.
  async open() {
    for (let trial = 1; ; trial += 1) {
      const response = await fetch(`${SCRIPT.server}/page`);
      if (response.ok) return this.watch(response.body.getReader());
      const reason = await response.text();
      if (trial === TRIALS) throw new Error(reason);
      // This page itself, before it was loaded again, may still be closing its connection.
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  // Returns at once; a connection that breaks is an end as well.
  watch(reader) {
    const wait = async () => {
      while (!(await reader.read()).done);
    };
    const tell = () =>
      this.overlay.write("state", "qwop browser has ended: nothing is compared any more");
    wait().then(tell, tell);
  }

  begin(sine) {
    this.post("begin", { ...sine, userAgent: navigator.userAgent });
  }

  tick(mask, row) {
    this.rows.push(Float64Array.of(mask, ...row));
    if (this.rows.length >= ROWS_PER_POST) this.flush();
  }

  flush() {
    if (this.rows.length) this.post("ticks", new Blob(this.rows));
    this.rows = [];
  }

  // Resolves to the verdict.
  finish(run) {
    this.flush();
    return this.post("end", { reason: run.reason, text: run.text });
  }

  note(message, refused = false) {
    this.post("note", { message, refused });
  }

  post(what, content) {
    const body = content instanceof Blob ? content : JSON.stringify(content);
    this.queue = this.queue.then(async () => {
      const response = await fetch(`${SCRIPT.server}/${what}`, { method: "POST", body });
      return response.json();
    });
    this.queue.catch((error) => this.overlay.conclude(`not compared: ${error.message}`, false));
    return this.queue;
  }
}
