// Requests to the server that the page came from. Each shows the token, which boot.js has kept for this tab.

/** Talks to the editing server. */
export class Server {
  /** Return the JSON of an answer; throw an error with the server's sentence where it refuses. */
  async json(path, given) {
    const answer = await this.fetch(path, given);
    const found = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(found.error ?? `The server answered ${answer.status}.`);
    return found;
  }

  /** Return the positions of all samples, dimension after dimension of one sample after another. */
  async positions() {
    const answer = await this.fetch("/positions");
    if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
    return new Float32Array(await answer.arrayBuffer());
  }

  async fetch(path, given) {
    const headers = { Authorization: `Bearer ${sessionStorage.getItem("drlim-token")}` };
    const options = given === undefined ? { headers } : post(given, headers);
    try {
      return await fetch(path, options);
    } catch {
      throw new Error("The server does not answer. What was stated is on the disk: start it again, and open the new address.");
    }
  }
}

function post(given, headers) {
  return { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(given) };
}
