// A film: one replayed run, unpacked from the page's data.

const PLACES = 3; // x, y and angle of every body

function unpack(text, Numbers) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Numbers(bytes.buffer);
}

class Film {
  constructor(run, game) {
    this.label = run.label;
    this.detail = run.detail;
    this.ticks = run.ticks;
    this.finished = run.finished;
    this.keys = unpack(run.keys, Uint8Array);
    this.tenths = unpack(run.tenths, Int16Array);
    this.step = game.clockStep;
    this.size = run.start.length;
    this.poses = this.summedUp(run.start, unpack(run.changes, Int16Array), game.resolution);
    this.metres = Array.from({ length: this.ticks + 1 }, (_, tick) =>
      this.poses[tick * this.size] / game.unitsPerMetre);
    this.farthest = this.metres.slice();
    for (let tick = 1; tick <= this.ticks; tick++) {
      this.farthest[tick] = Math.max(this.farthest[tick], this.farthest[tick - 1]);
    }
  }

  // Changes are whole numbers, so that their sums are exact.
  summedUp(start, changes, resolution) {
    const sums = Int32Array.from(start);
    const poses = new Float64Array((this.ticks + 1) * this.size);
    for (let tick = 0; tick <= this.ticks; tick++) {
      for (let place = 0; place < this.size; place++) {
        if (tick) sums[place] += changes[(tick - 1) * this.size + place];
        poses[tick * this.size + place] = sums[place] / resolution;
      }
    }
    return poses;
  }

  // The bodies at a moment, which may lie between two ticks.
  pose(moment) {
    const at = Math.min(moment, this.ticks);
    const tick = Math.min(Math.floor(at), this.ticks - 1);
    const share = at - tick;
    const before = tick * this.size;
    return Float64Array.from({ length: this.size }, (_, place) =>
      this.poses[before + place] * (1 - share) + this.poses[before + this.size + place] * share);
  }

  tick(moment) {
    return Math.min(Math.floor(moment + 1e-6), this.ticks);
  }

  // The game's clock and display, as they stood after the last whole tick.
  clock(moment) {
    return (this.tick(moment) + 1) * this.step;
  }

  distance(moment) {
    return this.tenths[this.tick(moment)] / 10;
  }

  keysAt(moment) {
    const tick = this.tick(moment);
    return tick < this.ticks ? this.keys[tick] : 0;
  }

  // The first tick at which the torso had got so far; null if it never did.
  tickAt(metres) {
    if (this.farthest[this.ticks] < metres) return null;
    let low = 0;
    let high = this.ticks;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.farthest[middle] < metres) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Speed around a tick, averaged over one second [m/s].
  speed(tick) {
    const half = Math.round(0.5 / this.step);
    const from = Math.max(0, tick - half);
    const to = Math.min(this.ticks, tick + half);
    return to > from ? (this.metres[to] - this.metres[from]) / ((to - from) * this.step) : 0;
  }
}

// The pace of a run of which only a few clocks are known: even between them.
class Pace {
  constructor({ label, seconds, splits }, clockStep) {
    this.label = label;
    this.splits = splits; // [metres, clock] from the start to the finish
    this.ticks = Math.ceil(seconds / clockStep) - 1;
  }

  metresAt(clock) {
    const next = this.splits.findIndex(([, seconds]) => clock < seconds);
    if (next < 0) return this.splits[this.splits.length - 1][0];
    if (next === 0) return 0;
    const [[from, since], [to, until]] = [this.splits[next - 1], this.splits[next]];
    return from + ((to - from) * (clock - since)) / (until - since);
  }
}
