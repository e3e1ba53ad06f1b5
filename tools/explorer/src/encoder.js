// G_W in the page: steps as drlim/explorer/weights.py writes them, carried out in float64 on one sample at a time.

const NEAREST_PLACES = 16;
const SCALE = 5;
const SOFTENING = 1e-3;
const TINY = 1e-300;

const FUNCTIONS = {
  tanh: Math.tanh,
  relu: (value) => Math.max(0, value),
  silu: (value) => value / (1 + Math.exp(-value)),
};

/** Return the function that maps the values of a sample, flat, to a position. */
export function makeEncoder(steps, arrays) {
  const carried = { each, affine, convolve, pool, unit, apply, surface, places };
  const array = (name) => (name === null || name === undefined ? null : arrays[name]);

  function run(some, values) {
    let row = Float64Array.from(values);
    for (const step of some) row = carried[step.kind](step, row);
    return row;
  }

  function each(step, row) {
    const [low, high, offset, factor, addend] = ["low", "high", "offset", "factor", "addend"].map((name) => array(step[name]));
    return row.map((value, place) => {
      const of = (values) => values[Math.floor((place * values.length) / row.length)];
      let made = value;
      if (low) made = Math.max(of(low), Math.min(of(high), made));
      if (offset) made -= of(offset);
      if (factor) made *= of(factor);
      if (addend) made += of(addend);
      return made;
    });
  }

  function affine(step, row) {
    const [weight, bias] = [array(step.weight), array(step.bias)];
    const [outputs, inputs] = weight.shape;
    const made = new Float64Array(outputs);
    for (let q = 0; q < outputs; q++) {
      let sum = bias ? bias[q] : 0;
      for (let p = 0; p < inputs; p++) sum += weight[q * inputs + p] * row[p];
      made[q] = sum;
    }
    return made;
  }

  function convolve(step, row) {
    const [weight, bias] = [array(step.weight), array(step.bias)];
    const [maps, channels, size] = weight.shape;
    const { stride, padding, height, width } = step;
    const [high, wide] = [height, width].map((side) => Math.floor((side + 2 * padding - size) / stride) + 1);
    const made = new Float64Array(maps * high * wide);
    for (let map = 0; map < maps; map++) {
      for (let top = 0; top < high; top++) {
        for (let left = 0; left < wide; left++) {
          let sum = bias ? bias[map] : 0;
          for (let channel = 0; channel < channels; channel++) {
            for (let down = 0; down < size; down++) {
              const y = top * stride + down - padding;
              if (y < 0 || y >= height) continue;
              for (let right = 0; right < size; right++) {
                const x = left * stride + right - padding;
                if (x < 0 || x >= width) continue;
                sum += weight[((map * channels + channel) * size + down) * size + right] * row[(channel * height + y) * width + x];
              }
            }
          }
          made[(map * high + top) * wide + left] = sum;
        }
      }
    }
    return made;
  }

  function pool({ size, stride, channels, height, width }, row) {
    const [high, wide] = [height, width].map((side) => Math.floor((side - size) / stride) + 1);
    const made = new Float64Array(channels * high * wide);
    for (let place = 0; place < made.length; place++) {
      const [channel, top, left] = [Math.floor(place / (high * wide)), Math.floor(place / wide) % high, place % wide];
      let sum = 0;
      for (let down = 0; down < size; down++) {
        const start = (channel * height + top * stride + down) * width + left * stride;
        for (let right = 0; right < size; right++) sum += row[start + right];
      }
      made[place] = sum / (size * size);
    }
    return made;
  }

  function unit(_, row) {
    const length = lengthOf(row);
    return length > 0 ? row.map((value) => value / length) : row;
  }

  /** Free outputs become points of a space: those of circles and spheres are scaled to the radius. */
  function surface({ factors }, row) {
    let first = 0;
    for (const { size, radius } of factors) {
      const part = row.subarray(first, first + size);
      const length = radius === null ? 1 : lengthOf(part);
      if (length === 0) part[0] = radius;
      else if (radius !== null) part.forEach((value, axis) => (part[axis] = (value / length) * radius));
      first += size;
    }
    return row;
  }

  function apply({ name }, row) {
    return row.map(FUNCTIONS[name]);
  }

  /** The head of a NeighborMap: the mode of the places that are probable, and of where the nearest samples lie. */
  function places(step, row) {
    const features = run(step.features, row);
    const own = 1 - step.sources.reduce((sum, source) => sum + source.share, 0);
    const centres = array(step.centres);
    const candidates = probable(run(step.logits, features), centres).map(([place, share]) => [place, own * share]);
    for (const source of step.sources) {
      const reduced = run(source.reduced, source.of_features ? unit(null, features) : row);
      for (const [place, share] of retrieved(reduced, source)) candidates.push([place, source.share * share]);
    }
    return mode(candidates, step.bandwidth, step.n_steps);
  }

  /** The most probable places and their probabilities. */
  function probable(logits, centres) {
    const d = centres.shape[1];
    const most = logits.reduce((largest, value) => Math.max(largest, value), -Infinity);
    const weights = logits.map((value) => Math.exp(value - most));
    const sum = weights.reduce((total, value) => total + value, 0);
    const order = Array.from(weights.keys()).sort((a, b) => weights[b] - weights[a] || a - b);
    return order.slice(0, NEAREST_PLACES).map((k) => [centres.subarray(k * d, k * d + d), weights[k] / sum]);
  }

  /** Positions of the stored samples nearest to one, and their shares. */
  function retrieved(reduced, source) {
    const [stored, positions] = [array(source.stored), array(source.positions)];
    const [n, p] = stored.shape;
    const d = positions.shape[1];
    const squares = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let place = 0; place < p; place++) sum += (stored[i * p + place] - reduced[place]) ** 2;
      squares[i] = sum;
    }
    const nearest = smallest(squares, source.n_neighbors);
    const scale = Math.max(squares[nearest[Math.min(SCALE, nearest.length) - 1]], TINY);
    const weights = nearest.map((i) => 1 / (squares[i] / scale + SOFTENING));
    const sum = weights.reduce((total, value) => total + value, 0);
    return nearest.map((i, place) => [positions.subarray(i * d, i * d + d), weights[place] / sum]);
  }

  return (values) => run(steps, values);
}

/** Return the length of a row; values are divided by the largest first, so that squares stay finite. */
function lengthOf(row) {
  let largest = 0;
  for (const value of row) largest = Math.max(largest, Math.abs(value));
  if (largest === 0) return 0;
  let sum = 0;
  for (const value of row) sum += (value / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** Return the places of the k smallest values, the smallest first. */
function smallest(values, k) {
  const found = [];
  for (let i = 0; i < values.length; i++) {
    if (found.length === k && values[i] >= values[found[k - 1]]) continue;
    let place = found.length < k ? found.length : k - 1;
    for (; place > 0 && values[found[place - 1]] > values[i]; place--) found[place] = found[place - 1];
    found[place] = i;
  }
  return found;
}

/** Return the mode of candidates [position, share] under a Cauchy kernel. */
function mode(candidates, bandwidth, nSteps) {
  const d = candidates[0][0].length;
  const kernel = (a, b) => {
    let squares = 0;
    for (let axis = 0; axis < d; axis++) squares += (a[axis] - b[axis]) ** 2;
    return 1 / (1 + squares / (bandwidth * bandwidth));
  };
  const height = (at) => candidates.reduce((sum, [place, share]) => sum + share * kernel(at, place), 0);
  let [z, best] = [candidates[0][0], -Infinity];
  for (const [place] of candidates) {
    const found = height(place);
    if (found > best) [z, best] = [place, found];
  }
  for (let step = 0; step < nSteps; step++) {
    const next = new Float64Array(d);
    let sum = 0;
    for (const [place, share] of candidates) {
      const weight = share * kernel(z, place) ** 2;
      sum += weight;
      for (let axis = 0; axis < d; axis++) next[axis] += weight * place[axis];
    }
    z = next.map((value) => value / sum);
  }
  return z;
}
