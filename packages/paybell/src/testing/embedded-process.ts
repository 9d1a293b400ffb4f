import { createInterface } from "node:readline";
import { startEmbedded } from "../db/embedded.ts";

// A process of its own that uses the store of the folder in its first argument. Says one JSON line when it runs
// or cannot, and stops when its input says so; with "memory-exit" it then just exits.
const [folder = ""] = process.argv.slice(2);
const isCareless = folder === "memory-exit";
const lines: string[] = [];
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);

try {
  const store = await startEmbedded({ folder: isCareless ? "memory" : folder, log: (line) => lines.push(line) });
  say({ pid: store.pid, connection: store.connection, dataFolder: store.dataFolder, lines });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "stop") break;
  }
  if (!isCareless) await store.stop();
  process.exit(0);
} catch (error) {
  const { code, message }: { code?: string; message?: string } = Object(error);
  say({ code, message });
  process.exit(1);
}
