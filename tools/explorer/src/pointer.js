// Mouse, touch and wheel: move or turn the map, zoom, point at a sample, draw a lasso.

const CLICK = 4; // pixels that the pointer may move in a click

export function listenToPointer(explorer, surface) {
  const { camera, state } = explorer;
  const held = new Map();
  let dragged = false;
  let drawing = false;

  const at = (event) => {
    const box = surface.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  surface.addEventListener("pointerdown", (event) => {
    surface.setPointerCapture(event.pointerId);
    held.set(event.pointerId, at(event));
    dragged = false;
    drawing = held.size === 1 && (state.mode === "lasso" || event.shiftKey);
    explorer.lasso = drawing ? [...at(event)] : [];
  });

  surface.addEventListener("pointermove", (event) => {
    const [left, top] = at(event);
    const before = held.get(event.pointerId);
    if (!before) {
      hover(left, top);
      return;
    }
    if (Math.hypot(left - before[0], top - before[1]) < (dragged ? 0.5 : CLICK)) return;
    dragged = true;
    if (drawing) explorer.lasso.push(left, top);
    else if (held.size === 2) pinch(event, left, top, before);
    else move(event, left - before[0], top - before[1]);
    held.set(event.pointerId, [left, top]);
    state.set({ hovered: -1 });
    if (drawing) explorer.redrawOverlay();
    else explorer.redraw();
  });

  const release = (event) => {
    if (!held.delete(event.pointerId)) return;
    if (drawing && dragged) explorer.selectInside(explorer.lasso);
    else if (!dragged && event.type === "pointerup") click(event);
    drawing = false;
    explorer.lasso = [];
    explorer.redrawOverlay();
  };
  surface.addEventListener("pointerup", release);
  surface.addEventListener("pointercancel", release);
  surface.addEventListener("pointerleave", () => state.set({ hovered: -1 }));
  surface.addEventListener("contextmenu", (event) => event.preventDefault());
  surface.addEventListener("dblclick", () => {
    camera.reset();
    explorer.redraw();
  });
  surface.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const step = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
      camera.zoomBy(Math.exp(-0.0015 * Math.max(-400, Math.min(400, step))), ...at(event));
      explorer.redraw();
    },
    { passive: false },
  );

  function hover(left, top) {
    const found = explorer.at(left, top);
    explorer.pointer = [left, top];
    state.set({ hovered: found });
  }

  function click(event) {
    const found = explorer.at(...at(event));
    if (found < 0) explorer.clear();
    else if (event.ctrlKey || event.metaKey) explorer.select(toggled(state.selection, found), found);
    else explorer.select([found], found);
  }

  function move(event, right, down) {
    if (camera.turns && !(event.buttons & 2) && !event.ctrlKey) camera.turn(0.008 * right, 0.008 * down);
    else camera.pan(right, down);
  }

  function pinch(event, left, top, before) {
    const other = [...held].find(([id]) => id !== event.pointerId)[1];
    const was = Math.hypot(before[0] - other[0], before[1] - other[1]);
    const is = Math.hypot(left - other[0], top - other[1]);
    camera.pan((left - before[0]) / 2, (top - before[1]) / 2);
    if (was > 0) camera.zoomBy(is / was, (left + other[0]) / 2, (top + other[1]) / 2);
  }
}

/** Return a selection with a sample added, or without it if it was in it. */
function toggled(selection, i) {
  return selection.includes(i) ? [...selection].filter((one) => one !== i) : [...selection, i];
}
