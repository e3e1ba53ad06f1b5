// Drawing the points by WebGL 2. Lines and marks are drawn over them on another canvas: see overlay.js.

const VERTEX = `#version 300 es
in vec3 position;
in vec4 colour;
uniform mat3 rotation;
uniform vec3 centre;
uniform vec2 scale;
uniform float depth;
uniform float size;
uniform float opacity;
uniform vec3 page;
uniform float fade;
out vec4 shade;
void main() {
  vec3 seen = rotation * (position - centre);
  gl_Position = vec4(scale * seen.xy, -depth * seen.z, 1.0);
  gl_PointSize = size * (1.0 + 0.35 * depth * seen.z);
  if (colour.a == 0.0) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  shade = vec4(mix(colour.rgb, page, fade), colour.a * opacity);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec4 shade;
uniform float size;
out vec4 drawn;
void main() {
  float edge = 1.0;
  if (size > 2.5) {
    float away = length(gl_PointCoord - 0.5) * size;
    edge = clamp(0.5 * size - away + 0.5, 0.0, 1.0);
    if (edge < 0.05) discard;
  }
  drawn = vec4(shade.rgb, shade.a * edge);
}`;

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
    this.gl = canvas.getContext("webgl2", { antialias: false, alpha: false, powerPreference: "high-performance" });
    this.counts = { all: 0, chosen: 0 };
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
    const names = ["rotation", "centre", "scale", "depth", "size", "opacity", "page", "fade"];
    this.uniforms = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)]));
    this.buffers = { positions: gl.createBuffer(), colours: gl.createBuffer(), chosen: gl.createBuffer() };
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.positions);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.colours);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, 0, 0);
    gl.enable(gl.BLEND);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE);
  }

  setPositions(positions) {
    if (!this.gl) return;
    this.counts.all = positions.length / 3;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers.positions);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, positions, this.gl.DYNAMIC_DRAW);
  }

  /** Take four bytes a point: red, green, blue, and an alpha of 0 for points that are not drawn. */
  setColours(colours) {
    if (!this.gl) return;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers.colours);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, colours, this.gl.DYNAMIC_DRAW);
  }

  /** Take the numbers of the points that stand out; the others fade. */
  setChosen(chosen) {
    if (!this.gl) return;
    this.counts.chosen = chosen.length;
    this.gl.bindBuffer(this.gl.ELEMENT_ARRAY_BUFFER, this.buffers.chosen);
    this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, chosen, this.gl.DYNAMIC_DRAW);
  }

  /** Draw; `size` in pixels of the canvas, `page` the colour of the page as three numbers up to 1. */
  draw(camera, { size, opacity, page, ratio }) {
    const gl = this.gl;
    if (!gl || gl.isContextLost()) return;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(...page, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    if (!this.counts.all) return;
    const reach = Math.hypot(...camera.size) || 1;
    if (this.flat) gl.disable(gl.DEPTH_TEST);
    else gl.enable(gl.DEPTH_TEST);
    gl.uniformMatrix3fv(this.uniforms.rotation, true, camera.rotation);
    gl.uniform3fv(this.uniforms.centre, camera.centre);
    gl.uniform2f(this.uniforms.scale, (2 * camera.scale) / camera.width, (2 * camera.scale) / camera.height);
    gl.uniform1f(this.uniforms.depth, this.flat ? 0 : 0.9 / reach);
    gl.uniform3fv(this.uniforms.page, page);
    gl.uniform1f(this.uniforms.size, size * ratio);
    gl.uniform1f(this.uniforms.opacity, opacity);
    gl.uniform1f(this.uniforms.fade, this.counts.chosen ? 0.78 : 0);
    gl.drawArrays(gl.POINTS, 0, this.counts.all);
    if (this.counts.chosen) {
      gl.uniform1f(this.uniforms.fade, 0);
      gl.uniform1f(this.uniforms.opacity, Math.max(opacity, 0.85));
      gl.uniform1f(this.uniforms.size, (size + 1) * ratio);
      if (!this.flat) gl.clear(gl.DEPTH_BUFFER_BIT);
      gl.drawElements(gl.POINTS, this.counts.chosen, gl.UNSIGNED_INT, 0);
    }
  }
}
