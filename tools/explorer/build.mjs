// Bundle src/*.js into ../../src/drlim/explorer/page.js, one script without imports. `make explorer-bundle` runs this.
// The first line of the bundle holds the SHA-256 of the sources, by which a test finds a bundle that is out of date.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { build } from "esbuild";

const folder = new URL("src/", import.meta.url);
const digest = createHash("sha256");
for (const name of readdirSync(folder).filter((one) => one.endsWith(".js")).sort()) {
  digest.update(readFileSync(new URL(name, folder)));
}

await build({
  entryPoints: [new URL("main.js", folder).pathname],
  outfile: new URL("../../src/drlim/explorer/page.js", import.meta.url).pathname,
  bundle: true,
  format: "iife",
  target: ["chrome111", "firefox113", "safari16.4"],
  charset: "utf8",
  legalComments: "none",
  banner: { js: `// Made by \`make explorer-bundle\` of tools/explorer/src, sha256 ${digest.digest("hex")}. Edit those.` },
});
