#!/usr/bin/env node
import { existsSync } from "node:fs";

const [major, minor] = process.versions.node.split(".").map(Number);
const main = new URL("../dist/cli/main.js", import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node ${process.versions.node} is too old: Paybell needs 20.19 or newer, best 24.`, "node_too_old");
} else if (!existsSync(main)) {
  fail('This checkout is not built yet: run "npm install" and "npm run build" first.', "not_built");
} else {
  if (major === 20)
    process.stderr.write(
      "paybell: Node 20 is at its end of life and gets no security fixes; Node 24 is the one to use.\n",
    );
  const { run } = await import(main.href);
  process.exitCode = await run(process.argv.slice(2));
}

function fail(sentence, code) {
  process.stderr.write(`paybell: ${sentence} (${code})\n`);
  process.exitCode = 1;
}
