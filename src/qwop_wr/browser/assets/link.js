// What happens in the page is told to `qwop browser`, on this machine, in order.

const ROWS_PER_POST = 60;

class Link {
  constructor(overlay) {
    this.isServer = true;
    this.overlay = overlay;
    this.queue = Promise.resolve();
    this.rows = [];
  }

  // Holds a connection as long as the page is open; throws if another page holds one.
  async open() {
    const response = await fetch(`${SCRIPT.server}/page`);
    if (!response.ok) throw new Error(await response.text());
    this.watch(response.body.getReader());
  }

  async watch(reader) {
    try {
      while (!(await reader.read()).done);
    } catch {
      // The connection broke, which is an end as well.
    }
    this.overlay.write("state", "qwop browser has ended: nothing is compared any more");
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
