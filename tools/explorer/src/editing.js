// Correcting the map: only in a page that is served by `drlim explore --edit`, where `meta.editing` is an object.

/** Start; see main.js for what `page` offers. */
export function startEditing(explorer, page) {
  page.announce("Editing");
}
