// Sine and cosine of every platform, to put one of them into the page (--shim). Each
// function maps an angle that is not negative to [sine, cosine, quadrant] of what is left
// of it after a multiple of pi/2. Algorithms and sources: the engine's own, in
// simulator/exact/trigonometry.py, correct_rounding.py and glibc_trigonometry.py.

const INVERSE_HALF_PI = 6.36619772367581382433e-1;
const TO_INTEGER = 1.5 * 2 ** 52; // added and taken away again, rounds to an integer
const LARGEST_ANGLE = 823549;

const float = new Float64Array(1);
const halves = new Uint32Array(float.buffer);

function withHighWord(x, change) {
  float[0] = x;
  halves[1] = change(halves[1]);
  halves[0] = 0;
  return float[0];
}

function exponentOf(x) {
  float[0] = x;
  return (halves[1] >>> 20) & 0x7ff;
}

// fdlibm: both variants reduce by pi/2 in parts of 33 bits.

const PI_1 = 1.57079632673412561417;
const PI_1_TAIL = 6.07710050650619224932e-11;
const PI_2 = 6.0771005063039659766e-11;
const PI_2_TAIL = 2.02226624879595063154e-21;
const PI_3 = 2.02226624871116645580e-21;
const PI_3_TAIL = 8.47842766036889956997e-32;
const [S1, S2, S3, S4, S5, S6] = [
  -1.66666666666666324348e-1, 8.33333333332248946124e-3, -1.98412698298579493134e-4,
  2.75573137070700676789e-6, -2.50507602534068634195e-8, 1.58969099521155010221e-10,
];
const [C1, C2, C3, C4, C5, C6] = [
  4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5,
  -2.75573143513906633035e-7, 2.08757232129817482790e-9, -1.13596475577881948265e-11,
];
const UNREDUCED_BELOW = 0x1921fc / 2 ** 21; // 0x1.921fcp-1

function split(rest, rounding) {
  const remainder = rest - rounding;
  return [remainder, rest - remainder - rounding];
}

function firstRemainder(size, quadrant) {
  return split(size - quadrant * PI_1, quadrant * PI_1_TAIL);
}

function stepwiseRemainder(size, quadrant) {
  const lost = (remainder) => exponentOf(size) - exponentOf(remainder);
  let rest = size - quadrant * PI_1;
  let rounding = quadrant * PI_1_TAIL;
  for (const [part, tail, limit] of [[PI_2, PI_2_TAIL, 16], [PI_3, PI_3_TAIL, 49]]) {
    if (lost(rest - rounding) <= limit) break;
    const before = rest;
    rounding = quadrant * part;
    rest = before - rounding;
    rounding = quadrant * tail - (before - rest - rounding);
  }
  return split(rest, rounding);
}

function sineFrom(x, tail, r, isReduced) {
  const z = x * x;
  const v = z * x;
  return isReduced ? x - (z * (0.5 * tail - v * r) - tail - v * S1) : x + v * (S1 + z * r);
}

function nodeSine(size) {
  const quadrant = size < UNREDUCED_BELOW ? 0 : Math.floor(size * INVERSE_HALF_PI + 0.5);
  let [x, tail] = firstRemainder(size, quadrant);
  if (Math.abs(x) < size * 2 ** -14) {
    const isNearHalfPi = size >= 0x1921fb / 2 ** 20 && size < 0x1921fc / 2 ** 20;
    [x, tail] = isNearHalfPi
      ? split(size - PI_1 - PI_2, PI_2_TAIL)
      : stepwiseRemainder(size, quadrant);
  }
  const z = x * x;
  const sine = sineFrom(x, tail, S2 + z * (S3 + z * (S4 + z * (S5 + z * S6))), quadrant > 0);
  const r = z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6)))));
  const magnitude = Math.abs(x);
  let offset = 0;
  if (magnitude >= 0x190001 / 2 ** 21) offset = 0.28125;
  else if (magnitude >= 0x133333 / 2 ** 22) offset = withHighWord(magnitude, (word) => word - 0x200000);
  return [sine, 1 - offset - (0.5 * z - offset - (z * r - x * tail)), quadrant];
}

const FIREFOX_QUADRANTS = [0x12d97d / 2 ** 19, 0x1f6a7b / 2 ** 19, 0x15fdbd / 2 ** 18, 0x1c463c / 2 ** 18];
const FIREFOX_MULTIPLES = [0x1921fb / 2 ** 20, 0x1921fb / 2 ** 19, 0x12d97c / 2 ** 18, 0x1921fb / 2 ** 18];

function firefoxSine(size) {
  let quadrant = size < UNREDUCED_BELOW ? 0 : 1 + FIREFOX_QUADRANTS.findIndex((end) => size < end);
  let isCareful = true;
  if (size >= FIREFOX_QUADRANTS[3]) {
    quadrant = size * INVERSE_HALF_PI + TO_INTEGER - TO_INTEGER;
  } else if (quadrant > 0) {
    isCareful = withHighWord(size, (word) => word) === FIREFOX_MULTIPLES[quadrant - 1];
  }
  let [x, tail] = firstRemainder(size, quadrant);
  if (isCareful && Math.abs(x) < size * 2 ** -14) [x, tail] = stepwiseRemainder(size, quadrant);
  const z = x * x;
  const w = z * z;
  const sine = sineFrom(x, tail, S2 + z * (S3 + z * S4) + z * w * (S5 + z * S6), quadrant > 0);
  const r = z * (C1 + z * (C2 + z * C3)) + w * w * (C4 + z * (C5 + z * C6));
  const half = 0.5 * z;
  const rest = 1 - half;
  return [sine, rest + (1 - rest - half + (z * r - x * tail)), quadrant];
}

// Correct rounding: fixed-point numbers with 256 bits behind the point.

const BITS = 256n;
const ONE = 1n << BITS;
const UNIT = 2 ** -256;

function toFixed(x) {
  return BigInt(x * 2 ** 128 * 2 ** 128); // exact above 2^-200, and no angle comes near
}

function inverseTangent(inverse) {
  let [sum, term] = [0n, ONE / inverse];
  for (let n = 1n; term !== 0n; n += 2n, term = -term / (inverse * inverse)) sum += term / n;
  return sum;
}

const HALF_PI = 2n * (4n * inverseTangent(5n) - inverseTangent(239n)); // Machin's formula

function series(square, first, power) {
  let [sum, term] = [first, first];
  for (let n = power; term !== 0n; n += 2n) {
    term = (-term * square) >> BITS;
    term /= (n + 1n) * (n + 2n);
    sum += term;
    if (term === -1n) break;
  }
  return sum;
}

function fixedSine(x) {
  const square = (x * x) >> BITS;
  return [series(square, x, 1n), series(square, ONE, 0n)];
}

function chromiumSine(size) {
  if (size < 2 ** -27) return [size, 1, 0];
  const quadrant = Math.floor(size * INVERSE_HALF_PI + 0.5);
  const [sine, cosine] = fixedSine(toFixed(size) - BigInt(quadrant) * HALF_PI);
  return [Number(sine) * UNIT, Number(cosine) * UNIT, quadrant]; // Number() rounds to nearest
}

// glibc's, without fused multiply-add: a table of multiples of 1/128, and polynomials.

const [G1, G2, G3, G4, G5] = [
  -0x15555555555555 / 2 ** 55, 0x11111111110ece / 2 ** 59, -0x1a01a019db08b8 / 2 ** 65,
  0x171de27b9a7ed9 / 2 ** 71, -0x1addffc2fcdf59 / 2 ** 78,
];
const [SN3, SN5] = [-1.66666666666664880952546298448555e-1, 8.33333214285722277379541354343671e-3];
const [CS2, CS4, CS6] = [
  4.99999999999999999999950396842453e-1, -4.16666666666664434524222570944589e-2,
  1.38888874007937613028114285595617e-3,
];
const HALF_PI_HIGH = 0x1921fb54442d18 / 2 ** 52;
const HALF_PI_LOW = 0x11a62633145c07 / 2 ** 106;
const [MP1, MP2] = [0x1921fb58 / 2 ** 28, -0x1dde973c / 2 ** 55];
const [PP3, PP4] = [-0x1cb3b398 / 2 ** 83, -0x1d747f23e32ed7 / 2 ** 135];

function inTwo(fixed) {
  const high = Number(fixed) * UNIT;
  return [high, Number(fixed - toFixed(high)) * UNIT];
}

const glibcTable = [];

function tableEntry(row) {
  glibcTable[row] ??= fixedSine(toFixed(row / 128)).flatMap(inTwo);
  return glibcTable[row];
}

function nearestEntry(size) {
  const large = 1.5 * 2 ** 45;
  return (size + large - large) * 128;
}

function glibcSine(x, tail) {
  const size = Math.abs(x);
  if (size < 0.126) {
    const square = x * x;
    const sum = ((((G5 * square + G4) * square + G3) * square + G2) * square + G1) * x;
    return x + ((sum - 0.5 * tail) * square + tail);
  }
  const entry = nearestEntry(size);
  const low = x > 0 ? tail : -tail;
  const rest = size - entry / 128;
  const square = rest * rest;
  const s = rest + (low + rest * square * (SN3 + square * SN5));
  const c = rest * low + square * (CS2 + square * (CS4 + square * CS6));
  const [sine, sineLow, cosine, cosineLow] = tableEntry(entry);
  const result = sine + (sineLow + s * cosineLow - sine * c + cosine * s);
  return x < 0 ? -result : result;
}

function glibcCosine(x, tail) {
  const size = Math.abs(x);
  const entry = nearestEntry(size);
  const rest = size - entry / 128 + (x < 0 ? -tail : tail);
  const square = rest * rest;
  const s = rest + rest * square * (SN3 + square * SN5);
  const c = square * (CS2 + square * (CS4 + square * CS6));
  const [sine, sineLow, cosine, cosineLow] = tableEntry(entry);
  return cosine + (cosineLow - s * sineLow - cosine * c - sine * s);
}

function chromium110Sine(size) {
  if (size < 0x1b6 / 2 ** 9) return [glibcSine(size, 0), glibcCosine(size, 0), 0];
  if (size < 0x1368fd / 2 ** 19) {
    const opposite = HALF_PI_HIGH - size;
    const near = opposite + HALF_PI_LOW;
    // A complement to pi/2 has the other sign than the rest after a quadrant.
    return [
      -glibcSine(near, opposite - near + HALF_PI_LOW), glibcCosine(opposite, HALF_PI_LOW), 1,
    ];
  }
  const quadrant = size * INVERSE_HALF_PI + TO_INTEGER - TO_INTEGER;
  const y = size - quadrant * MP1 - quadrant * MP2;
  const third = quadrant * PP3;
  const high = y - third;
  const fourth = quadrant * PP4;
  const rest = high - fourth;
  const low = y - high - third + (high - rest - fourth);
  return [glibcSine(rest, low), glibcCosine(rest, low), quadrant];
}

const SINES = {
  chromium: chromiumSine,
  firefox: firefoxSine,
  chromium110: chromium110Sine,
  node: nodeSine,
};

// [sine function, cosine function] of a platform; angles that no runner reaches are left
// to the browser. The game asks for both of an angle one after the other.
function sineOf(platform) {
  const { sin, cos } = Math;
  const reduced = SINES[platform];
  let [lastSize, last] = [NaN, []];
  const of = (size) => {
    if (size !== lastSize) [lastSize, last] = [size, reduced(size)];
    return last;
  };
  const sine = (angle) => {
    const x = Number(angle);
    if (!(Math.abs(x) <= LARGEST_ANGLE) || x === 0) return sin(x);
    const [sine, cosine, quadrant] = of(Math.abs(x));
    const value = [sine, cosine, -sine, -cosine][quadrant % 4];
    return x < 0 ? -value : value;
  };
  const cosine = (angle) => {
    const x = Number(angle);
    if (!(Math.abs(x) <= LARGEST_ANGLE)) return cos(x);
    const [sine, cosine, quadrant] = of(Math.abs(x));
    return [cosine, -sine, -cosine, sine][quadrant % 4];
  };
  return [sine, cosine];
}

// Replaces the page's functions; must run before its scripts. Returns what to tell.
function putSine(platform) {
  const [sine, cosine] = sineOf(platform);
  if (sineChecksum(sine, cosine) !== SCRIPT.probe.checksums[platform]) {
    throw new Error(`the sine of ${platform} comes out wrong in this browser`);
  }
  Math.sin = sine;
  Math.cos = cosine;
  return `altered: the sine of ${platform} was put into this page`;
}
