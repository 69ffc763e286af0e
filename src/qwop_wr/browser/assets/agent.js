// An agent in the page: what it observes, and the network that decides.

function decoded(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

const ACTIVATIONS = { tanh: Math.tanh, relu: (x) => Math.max(x, 0), none: (x) => x };
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

function affine(weight, bias, inputs) {
  return Float64Array.from(bias, (start, output) => {
    let sum = start;
    const first = output * inputs.length;
    for (let input = 0; input < inputs.length; input += 1) sum += weight[first + input] * inputs[input];
    return sum;
  });
}

class DenseLayer {
  constructor({ weight, bias, scale, shift, activation }) {
    this.weight = decoded(weight);
    this.bias = decoded(bias);
    this.norm = scale && { scale: decoded(scale), shift: decoded(shift) };
    this.activation = ACTIVATIONS[activation];
  }

  forget() {}

  forward(inputs) {
    const sums = affine(this.weight, this.bias, inputs);
    return (this.norm ? this.normalised(sums) : sums).map(this.activation);
  }

  // Layer normalisation with PyTorch's epsilon.
  normalised(values) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    const { scale, shift } = this.norm;
    return values.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * scale[i] + shift[i]);
  }
}

// PyTorch's LSTM: gates in the order input, forget, cell, output.
class LstmLayer {
  constructor({ weight, bias, recurrentWeight, recurrentBias }) {
    this.weight = decoded(weight);
    this.bias = decoded(bias);
    this.recurrentWeight = decoded(recurrentWeight);
    this.recurrentBias = decoded(recurrentBias);
    this.forget();
  }

  forget() {
    this.hidden = new Float64Array(this.bias.length / 4);
    this.cell = new Float64Array(this.bias.length / 4);
  }

  forward(inputs) {
    const recurrent = affine(this.recurrentWeight, this.recurrentBias, this.hidden);
    const gates = affine(this.weight, this.bias, inputs).map((sum, i) => sum + recurrent[i]);
    const size = this.cell.length;
    this.cell = this.cell.map(
      (cell, i) =>
        sigmoid(gates[size + i]) * cell + sigmoid(gates[i]) * Math.tanh(gates[2 * size + i]),
    );
    this.hidden = this.cell.map((cell, i) => sigmoid(gates[3 * size + i]) * Math.tanh(cell));
    return this.hidden;
  }
}

// What the observations are made of; a row is the game's, see Game.row().
const QUANTITIES = {
  egocentric: (row, hidden) => {
    const torsoX = row[0];
    const bodies = Array.from(row.slice(0, 6 * PARTS.length), (value, index) =>
      index % 6 === 0 ? value - torsoX : value,
    );
    const hurdleTop = 6 * BODIES.indexOf("hurdleTop");
    return [
      ...bodies.slice(1),
      ...hidden.feet.map(Number),
      Number(hidden.calfKey === 4),
      Number(hidden.calfKey === 8),
      hidden.headTorque,
      row[hurdleTop] - torsoX,
      SCRIPT.sandPitX - torsoX,
    ];
  },
  absolute: (row) => Array.from(row.slice(0, 6 * PARTS.length)).filter((_, index) => index % 6 !== 5),
};

class AgentKeys {
  constructor(agent) {
    this.agent = agent;
    this.layers = agent.layers.map((layer) =>
      layer.kind === "lstm" ? new LstmLayer(layer) : new DenseLayer(layer),
    );
  }

  // The mask of a tick; row is the game before it.
  next(game, tick, row) {
    const { idleTicks, maxTicks, ticksPerAction, masks } = this.agent;
    if (tick >= maxTicks) return undefined;
    if (tick < idleTicks) return 0;
    if (tick === idleTicks) this.layers.forEach((layer) => layer.forget());
    if ((tick - idleTicks) % ticksPerAction === 0) {
      const hidden = {
        feet: [game.touchesGround("leftFoot"), game.touchesGround("rightFoot")],
        calfKey: game.lastCalfKey,
        headTorque: game.body("head").m_torque,
      };
      this.mask = masks[this.decide(row, hidden)];
    }
    return this.mask;
  }

  decide(row, hidden) {
    const scores = this.scores(this.observe(row, hidden));
    return scores.indexOf(Math.max(...scores));
  }

  observe(row, hidden) {
    const { observation, centres, scales, lows, highs } = this.agent;
    return QUANTITIES[observation](row, hidden).map((quantity, i) =>
      Math.fround(Math.min(Math.max((quantity - centres[i]) / scales[i], lows[i]), highs[i])),
    );
  }

  scores(observation) {
    return this.layers.reduce((values, layer) => layer.forward(values), observation);
  }
}
