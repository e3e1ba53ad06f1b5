// The first script of the page for editing. The address holds the token behind "#", which no browser sends to a server:
// it is kept for this tab, taken off the address, and shown with each request. The map comes only with it.

"use strict";

const KEY = "drlim-token";

async function boot() {
  const given = /^#token=([\w-]+)$/.exec(location.hash);
  if (given) {
    sessionStorage.setItem(KEY, given[1]);
    history.replaceState(null, "", location.pathname);
  }
  const token = sessionStorage.getItem(KEY);
  if (!token) throw new Error("open the whole address that `drlim explore --edit` printed, with the token at its end");
  const answer = await fetch("/payload", { headers: { Authorization: `Bearer ${token}` } });
  if (answer.status === 401) throw new Error("the token is of another run: open the address that was printed last");
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const payload = document.createElement("script");
  payload.type = "text/plain"; // never run: the page reads its text
  payload.id = "drlim-payload";
  payload.textContent = await answer.text();
  const script = document.createElement("script");
  script.src = "/page.js";
  document.body.append(payload, script);
}

boot().catch((error) => {
  document.getElementById("drlim-page").textContent = `The map cannot be shown: ${error.message}.`;
});
