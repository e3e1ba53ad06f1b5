// What the page shows, in one place: parts of the page change it by `set` and are told by `subscribe`.

/**
 * Return a store of values.
 *
 * set({name: value, ...}) changes some; every listener is then called once with the set of the names that changed.
 */
export function makeState(values) {
  const listeners = new Set();
  const state = {
    ...values,
    set(changes) {
      const names = new Set();
      for (const [name, value] of Object.entries(changes)) {
        if (state[name] !== value) names.add(name);
        state[name] = value;
      }
      if (names.size) for (const listener of [...listeners]) listener(names, state);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return state;
}
