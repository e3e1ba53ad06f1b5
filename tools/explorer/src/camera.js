// Where a point of the map is on the screen: turned, scaled by pixels a unit, and moved. Also for flat maps, unturned.

const LEAST_ZOOM = 0.2;
const LARGEST_ZOOM = 1e5;

export class Camera {
  constructor(positions, dimensions) {
    this.turns = dimensions === 3;
    this.width = this.height = 1;
    this.setExtent(positions);
    this.reset();
  }

  /** Take the extent of positions, three numbers each: its middle, its sides, and the diameter of the sphere around. */
  setExtent(positions) {
    const n = positions.length / 3;
    this.middle = [0, 0, 0];
    this.size = [0, 0, 0];
    for (let axis = 0; axis < 3; axis++) {
      let low = Infinity;
      let high = -Infinity;
      for (let i = 0; i < n; i++) {
        const value = positions[3 * i + axis];
        if (value < low) low = value;
        if (value > high) high = value;
      }
      if (n) {
        this.middle[axis] = (low + high) / 2;
        this.size[axis] = high - low;
      }
    }
    const [x, y, z] = this.middle;
    let farthest = 0;
    for (let i = 0; i < n; i++) {
      const square = (positions[3 * i] - x) ** 2 + (positions[3 * i + 1] - y) ** 2 + (positions[3 * i + 2] - z) ** 2;
      if (square > farthest) farthest = square;
    }
    this.reach = 2 * Math.sqrt(farthest) || 1;
  }

  /** Show the whole map. */
  reset() {
    this.centre = [...this.middle];
    this.zoom = 1;
    // Rows: right, up, towards the viewer.
    this.rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    if (this.turns) this.turn(0.5, 0.35);
  }

  resize(width, height) {
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
  }

  /** Pixels for a unit of the map. */
  get scale() {
    const [x, y] = this.turns ? [this.reach, this.reach] : this.size;
    const wide = x > 0 ? this.width / x : Infinity;
    const high = y > 0 ? this.height / y : Infinity;
    const fitting = Math.min(wide, high);
    return this.zoom * 0.9 * (Number.isFinite(fitting) ? fitting : 100);
  }

  /** Return the place of a point on the screen: x to the right and y down, in pixels, and its depth. */
  project(x, y, z) {
    const r = this.rotation;
    const [a, b, c] = [x - this.centre[0], y - this.centre[1], z - this.centre[2]];
    return [
      this.width / 2 + this.scale * (r[0] * a + r[1] * b + r[2] * c),
      this.height / 2 - this.scale * (r[3] * a + r[4] * b + r[5] * c),
      r[6] * a + r[7] * b + r[8] * c,
    ];
  }

  /** Return the point of the map that is at a place of the screen, in the plane of the centre. */
  unproject(left, top) {
    const r = this.rotation;
    const a = (left - this.width / 2) / this.scale;
    const b = (this.height / 2 - top) / this.scale;
    return [0, 1, 2].map((axis) => this.centre[axis] + a * r[axis] + b * r[3 + axis]);
  }

  /** Move the map by pixels. */
  pan(right, down) {
    const from = this.unproject(0, 0);
    const to = this.unproject(right, down);
    this.centre = this.centre.map((value, axis) => value - (to[axis] - from[axis]));
  }

  /** Scale the map about a place of the screen. */
  zoomBy(factor, left = this.width / 2, top = this.height / 2) {
    const before = this.unproject(left, top);
    this.zoom = Math.min(LARGEST_ZOOM, Math.max(LEAST_ZOOM, this.zoom * factor));
    const after = this.unproject(left, top);
    this.centre = this.centre.map((value, axis) => value + before[axis] - after[axis]);
  }

  /** Turn the map by angles: about the vertical axis of the screen, and about the horizontal one. */
  turn(sideways, upwards) {
    const [c, s, d, t] = [Math.cos(sideways), Math.sin(sideways), Math.cos(upwards), Math.sin(upwards)];
    const about = [c, 0, s, t * s, d, -t * c, -d * s, t, d * c];
    const r = this.rotation;
    const turned = new Array(9);
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 3; column++) {
        turned[3 * row + column] =
          about[3 * row] * r[column] + about[3 * row + 1] * r[3 + column] + about[3 * row + 2] * r[6 + column];
      }
    }
    this.rotation = turned;
  }

  /** Bring a point to the middle of the screen if it is not on it. */
  reveal(x, y, z) {
    const [left, top] = this.project(x, y, z);
    if (left < 0 || top < 0 || left > this.width || top > this.height) this.centre = [x, y, z];
  }
}
