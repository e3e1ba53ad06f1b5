// Drawing the points by WebGL 2. Lines and marks are drawn over them on another canvas: see overlay.js.

const VERTEX = `#version 300 es
in vec3 position;
in vec4 colour;
uniform mat3 rotation;
uniform vec3 centre;
uniform vec2 scale;
uniform float depth;
uniform float size;
uniform float ratio;
uniform float opacity;
uniform vec3 page;
uniform bool fades;
out vec4 shade;
out float wide;
void main() {
  vec3 seen = rotation * (position - centre);
  bool chosen = colour.a > 0.75;
  // Chosen points lie in the nearer half of the depths, so that they cover the others in whatever order they are drawn.
  float away = 0.49 * clamp(depth * seen.z, -1.0, 1.0) + (chosen ? 0.5 : -0.5);
  gl_Position = colour.a < 0.25 ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(scale * seen.xy, -away, 1.0);
  wide = (size + (chosen ? ratio : 0.0)) * (1.0 + 0.35 * depth * seen.z);
  gl_PointSize = wide;
  shade = vec4(mix(colour.rgb, page, fades && !chosen ? 0.78 : 0.0), chosen ? max(opacity, 0.85) : opacity);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec4 shade;
in float wide;
out vec4 drawn;
void main() {
  float edge = 1.0;
  if (wide > 2.5) {
    float away = length(gl_PointCoord - 0.5) * wide;
    edge = clamp(0.5 * wide - away + 0.5, 0.0, 1.0);
    if (edge < 0.05) discard;
  }
  drawn = vec4(shade.rgb, shade.a * edge);
}`;

/** Fourth byte of the colour of a point. */
export const HIDDEN = 0;
export const USUAL = 128;
export const CHOSEN = 255;

function compiled(gl, kind, source) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
    throw new Error(gl.getShaderInfoLog(shader));
  }
  return shader;
}

export class Points {
  /** Take a canvas; `this.gl` is null where the browser has no WebGL 2. */
  constructor(canvas, flat) {
    this.canvas = canvas;
    this.flat = flat;
    this.gl = canvas.getContext("webgl2", {
      antialias: false,
      alpha: false,
      preserveDrawingBuffer: true, // later parts are drawn over earlier ones
      powerPreference: "high-performance",
    });
    this.n = 0;
    this.anyChosen = false;
    if (this.gl) this.prepare();
  }

  /** Make program and buffers; done again after the browser took the context away. */
  prepare() {
    const gl = this.gl;
    const program = gl.createProgram();
    gl.attachShader(program, compiled(gl, gl.VERTEX_SHADER, VERTEX));
    gl.attachShader(program, compiled(gl, gl.FRAGMENT_SHADER, FRAGMENT));
    gl.bindAttribLocation(program, 0, "position");
    gl.bindAttribLocation(program, 1, "colour");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(gl.getProgramInfoLog(program));
    }
    gl.useProgram(program);
    const names = ["rotation", "centre", "scale", "depth", "size", "ratio", "opacity", "page", "fades"];
    this.uniforms = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)]));
    this.buffers = { positions: gl.createBuffer(), colours: gl.createBuffer() };
    gl.enableVertexAttribArray(0);
    gl.enableVertexAttribArray(1);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL); // points of a flat map have one depth, and each covers those drawn before
    gl.enable(gl.BLEND);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE);
  }

  setPositions(positions) {
    if (!this.gl) return;
    this.n = positions.length / 3;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers.positions);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, positions, this.gl.DYNAMIC_DRAW);
  }

  /** Take four bytes a point: red, green, blue, and HIDDEN, USUAL or CHOSEN; where some are chosen, others fade. */
  setColours(colours, anyChosen) {
    if (!this.gl) return;
    this.anyChosen = anyChosen;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers.colours);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, colours, this.gl.DYNAMIC_DRAW);
  }

  /**
   * Draw every k-th point from one of them on; all with `every` 1. With `first` 0 the canvas is cleared before.
   *
   * `size` is the diameter of a point in pixels of the page, `page` the colour of the page as three numbers up to 1.
   */
  draw(camera, { size, opacity, page, ratio, every, first = 0 }) {
    const gl = this.gl;
    if (!gl || gl.isContextLost()) return;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(...page, 1);
    if (first === 0) gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    if (first >= this.n) return;
    const uniforms = this.uniforms;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.positions);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 12 * every, 12 * first);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.colours);
    gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, 4 * every, 4 * first);
    gl.uniformMatrix3fv(uniforms.rotation, true, camera.rotation);
    gl.uniform3fv(uniforms.centre, camera.centre);
    gl.uniform2f(uniforms.scale, (2 * camera.scale) / camera.width, (2 * camera.scale) / camera.height);
    gl.uniform1f(uniforms.depth, this.flat ? 0 : 0.9 / camera.reach);
    gl.uniform3fv(uniforms.page, page);
    gl.uniform1i(uniforms.fades, this.anyChosen ? 1 : 0);
    gl.uniform1f(uniforms.size, size * ratio);
    gl.uniform1f(uniforms.ratio, ratio);
    gl.uniform1f(uniforms.opacity, opacity);
    gl.drawArrays(gl.POINTS, 0, Math.floor((this.n - 1 - first) / every) + 1);
  }

  /** Return a promise that is kept once all that was asked for is drawn. */
  drawn() {
    const gl = this.gl;
    if (!gl || gl.isContextLost()) return Promise.resolve();
    const sync = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    return new Promise((resolve) => {
      const ask = () => {
        if (!gl.isContextLost() && gl.clientWaitSync(sync, 0, 0) === gl.TIMEOUT_EXPIRED) {
          setTimeout(ask, 4);
          return;
        }
        gl.deleteSync(sync);
        resolve();
      };
      setTimeout(ask);
    });
  }
}
