// The map by keyboard alone: see KEYS, which the page shows as help.

export const KEYS = [
  ["arrows", "move the map; turn it if it has three dimensions"],
  ["+ −", "zoom"],
  ["0", "show the whole map"],
  ["n, p", "next and previous sample, of the selection if there is one"],
  ["Enter", "select the sample"],
  ["l", "draw a lasso by dragging, or move again (Shift and drag draws one, too)"],
  ["/", "search"],
  ["s", "show or hide the springs of the sample"],
  ["t", "light or dark"],
  ["Esc", "select nothing"],
];

export function listenToKeys(explorer, surface, { search, toggleTheme, announce }) {
  const { camera, state } = explorer;
  const actions = {
    ArrowLeft: () => shift(1, 0),
    ArrowRight: () => shift(-1, 0),
    ArrowUp: () => shift(0, 1),
    ArrowDown: () => shift(0, -1),
    "+": () => camera.zoomBy(1.25),
    "=": () => camera.zoomBy(1.25),
    "-": () => camera.zoomBy(0.8),
    0: () => camera.reset(),
    n: () => step(1),
    p: () => step(-1),
    Enter: () => state.current >= 0 && explorer.select([state.current], state.current),
    l: () => state.set({ mode: state.mode === "lasso" ? "move" : "lasso" }),
    s: () => state.set({ springs: !state.springs }),
    t: toggleTheme,
    "/": () => search(),
    Escape: () => explorer.clear(),
  };

  surface.addEventListener("keydown", (event) => {
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
    explorer.redraw();
  });

  function shift(right, down) {
    if (camera.turns) camera.turn(0.1 * right, 0.1 * down);
    else camera.pan(40 * right, 40 * down);
  }

  /** Go to the next sample of the selection, where it has several, or of all that are shown. */
  function step(by) {
    const among = state.selection.length > 1 ? explorer.visible(state.selection) : null;
    const count = among ? among.length : explorer.n;
    if (!count) return;
    let place = among ? among.indexOf(state.current) : state.current;
    for (let tried = 0; tried < count; tried++) {
      place = (place + by + (place < 0 && by < 0 ? 1 : 0) + count) % count;
      const i = among ? among[place] : place;
      if (!state.shown || state.shown[i]) {
        state.set({ current: i });
        camera.reveal(...explorer.positions.subarray(3 * i, 3 * i + 3));
        announce(explorer.samples.line(i));
        return;
      }
    }
  }
}
