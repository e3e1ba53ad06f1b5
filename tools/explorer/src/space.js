// The space that a map lies on, as drlim/explorer/charts.py puts it on a chart: distances, shortest paths, and edges.
// A place is three numbers on the chart. A flat map has no `said`, and its chart is the map itself.

const TAU = 2 * Math.PI;
const STEPS = 32; // pieces of a path that bends on the chart

const product = (a, b) => a.reduce((sum, value, axis) => sum + value * b[axis], 0);
const turn = (angle) => angle - TAU * Math.round(angle / TAU); // the shorter way round

/** Return a unit vector at a longitude and a latitude. */
const onGlobe = (east, north) => [Math.cos(north) * Math.cos(east), Math.cos(north) * Math.sin(east), Math.sin(north)];

/** Return the angle between two unit vectors, and what is along the great circle from one to the other at a share. */
function greatCircle(a, b) {
  const [sums, differences] = [1, -1].map((sign) => Math.hypot(...a.map((value, axis) => value + sign * b[axis])));
  const angle = 2 * Math.atan2(differences, sums);
  const sine = Math.sin(angle);
  const along = (share) =>
    sine < 1e-9 ? a : a.map((value, axis) => (Math.sin((1 - share) * angle) * value + Math.sin(share * angle) * b[axis]) / sine);
  return { angle, along };
}

const scaled = (vector, factor) => vector.map((value) => value * factor);
const unit = (vector) => scaled(vector, 1 / (Math.hypot(...vector) || 1));

/** A flat map. */
const FLAT = {
  squared: (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2,
  paths: (a, b) => [[a, b]],
  edges: () => [],
  mapped: (found) => ({ found, place: [found[0], found[1] ?? 0, found[2] ?? 0] }),
};

/** Points of a circle on a ring. */
function ring({ factors: [{ radius }] }) {
  const angle = ([x, y]) => Math.atan2(y, x);
  const at = (a, away) => [away * Math.cos(a), away * Math.sin(a), 0];
  return {
    squared: (a, b) => (radius * turn(angle(a) - angle(b))) ** 2,
    paths(a, b) {
      const [start, way] = [angle(a), turn(angle(b) - angle(a))];
      const [from, to] = [a, b].map(([x, y]) => Math.hypot(x, y));
      return [curve((share) => at(start + share * way, from + share * (to - from)))];
    },
    edges: () => [curve((share) => at(TAU * share, radius), 2 * STEPS)],
    mapped: ([x, y]) => ({ found: [(Math.atan2(y, x) + TAU) % TAU], place: [x, y, 0] }),
  };
}

/** Points of a sphere in three dimensions. */
function globe({ factors: [{ radius }] }) {
  return {
    squared: (a, b) => (radius * greatCircle(unit(a), unit(b)).angle) ** 2,
    paths(a, b) {
      const { along } = greatCircle(unit(a), unit(b));
      return [curve((share) => scaled(along(share), radius))];
    },
    edges: () => [
      curve((share) => scaled(onGlobe(TAU * share, 0), radius), 2 * STEPS),
      ...[0, TAU / 4].map((east) => curve((share) => scaled(onGlobe(east, TAU * share), radius), 2 * STEPS)),
    ],
    mapped: (found) => ({ found: angles(found), place: [...found] }),
  };
}

const angles = ([x, y, z]) => [(Math.atan2(y, x) + TAU) % TAU, Math.atan2(z, Math.hypot(x, y))];

function curve(at, steps = STEPS) {
  return Array.from({ length: steps + 1 }, (_, step) => at(step / steps));
}

/** Arcs of circles, longitudes and latitudes of spheres as arcs, and lengths, along straight axes. */
function unrolled({ factors }) {
  const columns = factors.flatMap(({ kind, size, radius }) => {
    if (kind === "line") return Array(size).fill({ period: 0 });
    return kind === "circle" ? [{ period: TAU * radius }] : [{ period: TAU * radius }, { period: 0 }];
  });
  const bends = factors.some(({ kind }) => kind === "sphere");

  /** For each factor, the squared distance of two places and the way from one to the other on the chart. */
  function ways(a, b) {
    let first = 0;
    return factors.map(({ kind, size, radius }) => {
      const count = kind === "sphere" ? 2 : size;
      const [p, q] = [a, b].map((place) => place.slice(first, first + count));
      first += count;
      if (kind === "sphere") return onSphere(p, q, radius);
      const way = p.map((value, axis) => (kind === "circle" ? radius * turn((q[axis] - value) / radius) : q[axis] - value));
      return { squared: product(way, way), at: (share) => p.map((value, axis) => value + share * way[axis]) };
    });
  }

  function onSphere(p, q, radius) {
    const { angle, along } = greatCircle(...[p, q].map(([east, north]) => onGlobe(east / radius, north / radius)));
    const at = (share) => {
      const [east, north] = angles(along(share));
      return [p[0] + radius * turn(east - p[0] / radius), radius * north]; // goes on beyond the edge of the chart
    };
    return { squared: (radius * angle) ** 2, at };
  }

  return {
    squared: (a, b) => ways(a, b).reduce((sum, way) => sum + way.squared, 0),
    paths(a, b) {
      const parts = ways(a, b);
      const at = (share) => [...parts.flatMap((part) => part.at(share)), 0, 0].slice(0, 3);
      return cutAtEdges(curve(at, bends ? STEPS : 1), columns.map(({ period }) => period));
    },
    edges: (low, high) => columns.flatMap(({ period }, axis) => (period ? rims(axis, period, low, high, columns) : [])),
    mapped(found) {
      let first = 0;
      const values = factors.flatMap(({ kind, size, radius }) => {
        const part = found.slice(first, first + { circle: 2, sphere: 3, line: size }[kind]);
        first += part.length;
        if (kind === "line") return Array.from(part, (value) => [value, value]);
        return (kind === "circle" ? angles([...part, 0]).slice(0, 1) : angles(part)).map((angle) => [angle, radius * angle]);
      });
      const place = [...values.map(([, length]) => length), 0, 0].slice(0, 3);
      return { found: values.map(([value]) => value), place };
    },
  };
}

/** The two ends of an axis that closes, as lines or, in three dimensions, rectangles from `low` to `high`. */
function rims(axis, period, low, high, columns) {
  const others = [0, 1, 2].slice(0, Math.max(2, columns.length)).filter((one) => one !== axis);
  const range = (one) => (columns[one]?.period ? [0, columns[one].period] : [low[one], high[one]]);
  return [0, period].map((value) => {
    const corner = (...ends) => {
      const place = [0, 0, 0];
      place[axis] = value;
      others.forEach((one, number) => (place[one] = range(one)[ends[number]]));
      return place;
    };
    return others.length < 2 ? [corner(0), corner(1)] : [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1), corner(0, 0)];
  });
}

/** Cut a path where it leaves the chart, whose axes have these periods (0 is none), and bring each piece back into it. */
export function cutAtEdges(path, periods) {
  const pieces = [];
  let cell = null;
  for (let step = 1; step < path.length; step++) {
    const [from, to] = [path[step - 1], path[step]];
    const at = (share) => from.map((value, axis) => value + share * (to[axis] - value));
    const shares = [0, ...crossings(from, to, periods), 1];
    for (let place = 1; place < shares.length; place++) {
      if (shares[place] === shares[place - 1]) continue;
      const middle = at((shares[place] + shares[place - 1]) / 2);
      const away = middle.map((value, axis) => (periods[axis] ? periods[axis] * Math.floor(value / periods[axis]) : 0));
      const inside = (share) => at(share).map((value, axis) => value - away[axis]);
      if (cell === null || away.some((value, axis) => value !== cell[axis])) pieces.push([inside(shares[place - 1])]);
      pieces.at(-1).push(inside(shares[place]));
      cell = away;
    }
  }
  return pieces;
}

/** Shares of a straight way at which it crosses an edge, ascending. */
function crossings(from, to, periods) {
  const shares = [];
  periods.forEach((period, axis) => {
    if (!period) return;
    const [start, end] = [from[axis] / period, to[axis] / period];
    for (let edge = Math.ceil(Math.min(start, end)); edge <= Math.max(start, end); edge++) {
      const share = (edge - start) / (end - start);
      if (share > 0 && share < 1) shares.push(share);
    }
  });
  return shares.sort((a, b) => a - b);
}

/** Return the space that `meta.space` describes, null of a flat map: see drlim/explorer/charts.py. */
export function makeSpace(described) {
  if (!described) return FLAT;
  return { ring, globe, unrolled }[described.chart](described);
}
