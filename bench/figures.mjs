// First figures of one machine: `npm run bench`. The server is a process of its own on the embedded store, durable.
// door: notifications answered per second, closed loop, 64 connections. instant: from POST to "may use it", at a steady
// 200 per second, counted from the intended send time. Also start-up and memory.
import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = new URL("..", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "paybell-bench-"));
const port = 20_000 + Math.floor(Math.random() * 20_000);
const key = "pb_live_bench-key-0123456789abcdef";
const secret = "bench-secret";
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const seconds = Number(process.argv[2] ?? 10);

const template = JSON.parse(
  readFileSync(join(root, "packages/protocols/src/copecart/fixtures/vectors.json"), "utf8"),
)[0].body;
const sale = (id) =>
  template
    .replace("7kQ2mXvB", id)
    .replaceAll("8a41d0c2e5f7b936", `tx${id}`)
    .replaceAll("mara.lindner@example.de", `${id}@example.com`);

function http(method, path, { body, headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        port,
        host: "127.0.0.1",
        method,
        path,
        agent,
        headers: { ...headers, ...(body !== undefined && { "content-length": Buffer.byteLength(body) }) },
      },
      (response) => {
        let text = "";
        response
          .setEncoding("utf8")
          .on("data", (piece) => (text += piece))
          .on("end", () => resolve({ status: response.statusCode, text }));
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
const api = async (method, path, body) => {
  const answer = await http(method, path, {
    body: body && JSON.stringify(body),
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
  });
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return JSON.parse(answer.text);
};
const post = (path, body) =>
  http("POST", path, {
    body,
    headers: {
      "content-type": "application/json",
      "x-copecart-signature": createHmac("sha256", secret).update(body).digest("base64"),
    },
  });

async function start() {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [join(root, "packages/paybell/bin/paybell.js"), "serve", "--port", String(port), "--data", folder],
    {
      env: { ...process.env, PAYBELL_API_KEY: key, DATABASE_URL: process.env.BENCH_DATABASE_URL ?? "" },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  createInterface({ input: child.stdout }).on("line", () => undefined);
  for (;;) {
    try {
      if ((await http("GET", "/readyz")).status === 200) return { child, ms: performance.now() - began };
    } catch {
      // not listening yet
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const stop = (child) => new Promise((resolve) => child.once("exit", resolve) && child.kill("SIGTERM"));
const memory = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

const first = await start();
await stop(first.child);
const { child, ms } = await start();
const connection = await api("POST", "/v1/connections", {
  direction: "in",
  protocol: "copecart",
  name: "Bench",
  secrets: [secret],
  mode: "live",
});
await api("POST", "/v1/products", {
  name: "Course",
  features: ["course"],
  sources: [{ protocol: "copecart", product_id: "4be81c07" }],
});
const path = new URL(connection.url).pathname;
const idle = memory(child.pid);

async function door() {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (performance.now() < end) {
        const answer = await post(path, sale(randomBytes(4).toString("hex")));
        if (answer.text !== "OK") throw new Error(`answered ${answer.status}`);
        count++;
      }
    }),
  );
  return count / seconds;
}

async function instant(rate) {
  const total = rate * seconds;
  const times = [];
  const began = performance.now();
  await Promise.all(
    Array.from({ length: total }, async (_, n) => {
      const intended = began + (n * 1000) / rate;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, intended - performance.now())));
      const id = randomBytes(4).toString("hex");
      await post(path, sale(id));
      const { allowed } = await api("GET", `/v1/access?email=${id}@example.com&feature=course`);
      if (!allowed) throw new Error("no access after OK");
      times.push(performance.now() - intended);
    }),
  );
  return times.toSorted((a, b) => a - b);
}

await instant(50);
const times = await instant(200);
const rate = await door();
const busy = memory(child.pid);
const drained = performance.now();
for (;;) {
  const { data } = await api("GET", "/v1/notifications?state=waiting&limit=1");
  if (data.length === 0) break;
  await new Promise((resolve) => setTimeout(resolve, 200));
}
const result = {
  node: process.version,
  start_first_ms: Math.round(first.ms),
  start_again_ms: Math.round(ms),
  door_per_second: Math.round(rate),
  instant_at_200_p50_ms: Number(quantile(times, 0.5).toFixed(1)),
  instant_at_200_p99_ms: Number(quantile(times, 0.99).toFixed(1)),
  ledger_behind_after_door_ms: Math.round(performance.now() - drained),
  memory_idle_mib: Math.round(idle),
  memory_busy_mib: Math.round(busy),
};
console.table(result);
console.log(JSON.stringify(result));
agent.destroy();
await stop(child);
rmSync(folder, { recursive: true, force: true });
