// What is drawn over the points: edges of a curved map, springs, the lasso, rings around samples, and new samples.

import { THEMES } from "./colours.js";

const MOST_SPRINGS = 2000;

/** Draw all of it on a 2-D context, in pixels of the page. */
export function drawOverlay(context, explorer) {
  const { state, camera, lasso } = explorer;
  const theme = THEMES[state.theme];
  context.clearRect(0, 0, camera.width, camera.height);
  context.setLineDash([2, 4]);
  traced(context, explorer.edges(), theme.line, 1);
  for (const [from, to, kind] of springsOf(explorer)) {
    context.setLineDash(kind === "similar" ? [] : [4, 3]);
    traced(context, explorer.paths(from, to), kind === "similar" ? theme.similar : theme.other, 1.2);
  }
  context.setLineDash([]);
  for (const sample of explorer.newSamples) marked(context, camera.project(...sample.position), theme);
  if (state.current >= 0) ringed(context, explorer.place(state.current), 9, theme.ink, 2);
  if (state.hovered >= 0) ringed(context, explorer.place(state.hovered), 7, theme.ink, 1.2);
  if (lasso.length > 2) {
    context.beginPath();
    for (let i = 0; i < lasso.length; i += 2) context.lineTo(lasso[i], lasso[i + 1]);
    context.closePath();
    context.fillStyle = state.theme === "dark" ? "rgba(255,255,255,.08)" : "rgba(0,0,0,.06)";
    context.fill();
    context.strokeStyle = theme.ink;
    context.lineWidth = 1.2;
    context.stroke();
  }
}

/** Return [from, to, kind] of the springs of the sample that is selected. */
export function springsOf({ state, samples }) {
  if (state.current < 0 || !state.springs) return [];
  return ["dissimilar", "similar"].flatMap((kind) =>
    Array.from(samples.tied(state.current, kind).subarray(0, MOST_SPRINGS), (other) => [state.current, other, kind]),
  );
}

/** Draw lines, each given by its places. */
function traced(context, lines, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  for (const line of lines) {
    context.beginPath();
    for (const [left, top] of line) context.lineTo(left, top);
    context.stroke();
  }
}

function ringed(context, [left, top], radius, colour, width) {
  context.beginPath();
  context.arc(left, top, radius, 0, 2 * Math.PI);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}

/** Draw a new sample as a cross in a ring, which no point looks like. */
function marked(context, [left, top], theme) {
  for (const [colour, width] of [[`rgb(${theme.page.map((value) => 255 * value).join(",")})`, 5], [theme.similar, 2.2]]) {
    context.beginPath();
    context.arc(left, top, 8, 0, 2 * Math.PI);
    context.moveTo(left - 12, top);
    context.lineTo(left + 12, top);
    context.moveTo(left, top - 12);
    context.lineTo(left, top + 12);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }
}
