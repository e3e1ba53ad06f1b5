// Which points are at a place of the screen, or within a line drawn around them.

const CELLS = 256;

/** Call `visit(left, top, i)` with the place on the screen of each point that is drawn. */
function eachOnScreen(positions, shown, camera, visit) {
  const [r0, r1, r2, r3, r4, r5] = camera.rotation;
  const [cx, cy, cz] = camera.centre;
  const { scale, width, height } = camera;
  for (let i = 0, place = 0; place < positions.length; i++, place += 3) {
    if (shown && !shown[i]) continue;
    const a = positions[place] - cx;
    const b = positions[place + 1] - cy;
    const c = positions[place + 2] - cz;
    visit(width / 2 + scale * (r0 * a + r1 * b + r2 * c), height / 2 - scale * (r3 * a + r4 * b + r5 * c), i);
  }
}

/** Return the point nearest to a place of the screen within some pixels, -1 if there is none. */
export function nearestPoint(positions, shown, camera, left, top, within) {
  let best = within * within;
  let found = -1;
  eachOnScreen(positions, shown, camera, (x, y, i) => {
    const away = (x - left) * (x - left) + (y - top) * (y - top);
    if (away < best) {
      best = away;
      found = i;
    }
  });
  return found;
}

/** Return whether a place lies inside of a polygon [x, y, x, y, ...], by the rule of even and odd. */
export function isInside(polygon, left, top) {
  let inside = false;
  const n = polygon.length;
  for (let i = 0, j = n - 2; i < n; j = i, i += 2) {
    const [x, y, u, v] = [polygon[i], polygon[i + 1], polygon[j], polygon[j + 1]];
    if (y > top !== v > top && left < ((u - x) * (top - y)) / (v - y) + x) inside = !inside;
  }
  return inside;
}

/** Return a test like `isInside` that is fast for many places: cells that no edge crosses are tested once. */
function insideTest(polygon) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < polygon.length; i += 2) {
    left = Math.min(left, polygon[i]);
    right = Math.max(right, polygon[i]);
    top = Math.min(top, polygon[i + 1]);
    bottom = Math.max(bottom, polygon[i + 1]);
  }
  const wide = Math.max(1e-9, (right - left) / CELLS);
  const high = Math.max(1e-9, (bottom - top) / CELLS);
  const crossed = crossedCells(polygon, left, top, wide, high);
  const known = new Int8Array(CELLS * CELLS).fill(-1);
  return (x, y) => {
    if (x < left || x > right || y < top || y > bottom) return false;
    const column = Math.min(CELLS - 1, Math.floor((x - left) / wide));
    const row = Math.min(CELLS - 1, Math.floor((y - top) / high));
    const cell = row * CELLS + column;
    if (crossed[cell]) return isInside(polygon, x, y);
    if (known[cell] < 0) known[cell] = isInside(polygon, left + (column + 0.5) * wide, top + (row + 0.5) * high) ? 1 : 0;
    return known[cell] === 1;
  };
}

/** Mark the cells that an edge of a polygon may cross: those within half a cell of points along it, and their neighbours. */
function crossedCells(polygon, left, top, wide, high) {
  const crossed = new Uint8Array(CELLS * CELLS);
  const n = polygon.length;
  for (let i = 0, j = n - 2; i < n; j = i, i += 2) {
    const [x, y] = [(polygon[i] - left) / wide, (polygon[i + 1] - top) / high];
    const [u, v] = [(polygon[j] - left) / wide, (polygon[j + 1] - top) / high];
    const steps = 1 + Math.ceil(2 * Math.max(Math.abs(u - x), Math.abs(v - y)));
    for (let step = 0; step <= steps; step++) {
      const column = Math.floor(x + ((u - x) * step) / steps);
      const row = Math.floor(y + ((v - y) * step) / steps);
      for (let below = row - 1; below <= row + 1; below++) {
        for (let beside = column - 1; beside <= column + 1; beside++) {
          if (below >= 0 && beside >= 0 && below < CELLS && beside < CELLS) crossed[below * CELLS + beside] = 1;
        }
      }
    }
  }
  return crossed;
}

/** Return the numbers of the points inside of a polygon on the screen, ascending. */
export function pointsInside(positions, shown, camera, polygon) {
  const inside = insideTest(polygon);
  const found = new Uint32Array(positions.length / 3);
  let count = 0;
  eachOnScreen(positions, shown, camera, (x, y, i) => {
    if (inside(x, y)) found[count++] = i;
  });
  return found.slice(0, count);
}
