// The sending end on this machine: `npm run bench:sending -- [ring|lanes|storm|idle|long …]`, without names ring, lanes,
// storm and idle. Server, sink and generator are processes of their own; load is open-loop, and latency is counted from
// the instant at which a payment was meant to be published. Figures that mean something stand beside another of the same
// run. DATABASE_URL measures on that PostgreSQL instead of the embedded store.
import { fork, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { chmodSync, mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Pool } from "undici";

const self = fileURLToPath(import.meta.url);
const key = "pb_live_bench-key-0123456789abcdef";
const clock = () => performance.timeOrigin + performance.now();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Answers as told; remembers when what arrived. */
function sink() {
  let modes = {};
  let arrivals = [];
  const server = createServer((request, response) => {
    const at = clock();
    let text = "";
    request.setEncoding("utf8").on("data", (piece) => (text += piece));
    request.on("end", () => {
      const path = request.url;
      const mode = modes[path] ?? "ok";
      arrivals.push([path, at, Number(/"reference":"([\d.]+)"/.exec(text)?.[1] ?? 0), mode]);
      if (mode === "hang") return;
      response.writeHead(mode === "fail" ? 500 : 200).end("OK");
    });
  }).listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
  server.keepAliveTimeout = 60_000;
  process.on("message", (message) => {
    if (message.modes) modes = message.modes;
    if (message.take) {
      process.send({ arrivals });
      if (message.take === "forget") arrivals = [];
    }
  });
}

async function main(wanted) {
  const names = wanted.length > 0 ? wanted : ["ring", "lanes", "storm", "idle"];
  for (const name of names) {
    const bench = benches[name];
    if (!bench) throw new Error(`There is no ${name}; known: ${Object.keys(benches).join(", ")}.`);
    console.log(`\n## ${name}`);
    const world = await open();
    try {
      await bench(world);
    } finally {
      await world.close();
    }
  }
  process.exit();
}

const benches = {
  /** Publish to arrival, one address. */
  async ring(world) {
    await world.connect("/ring", { concurrency: 50 });
    await world.run({ rate: 100, seconds: 5, products: ["p"] }); // warm
    for (const rate of [50, 200, 500, 1000]) {
      const figures = [];
      for (let run = 0; run < 3; run++) figures.push(await world.run({ rate, seconds: 8, products: ["p"] }));
      print(`${rate}/s`, median(figures));
    }
  },
  /** 20 addresses, 200/s over all; then four of them hang. The others must not notice. */
  async lanes(world) {
    const products = Array.from({ length: 20 }, (_, n) => `p${n}`);
    for (const product of products) await world.connect(`/${product}`, { products: [product] });
    await world.run({ rate: 200, seconds: 5, products });
    const others = new Set(products.slice(4).map((product) => `/${product}`));
    const rounds = [];
    for (let round = 0; round < 3; round++) {
      world.modes({});
      const well = await world.run({ rate: 200, seconds: 20, products, only: others });
      world.modes(Object.fromEntries(products.slice(0, 4).map((product) => [`/${product}`, "hang"])));
      const hanging = await world.run({ rate: 200, seconds: 20, products, only: others });
      rounds.push({ well, hanging });
      world.modes({});
      await world.drained();
    }
    print("none hangs", median(rounds.map((one) => one.well)));
    print("four of twenty hang", median(rounds.map((one) => one.hanging)));
    const moved = rounds.map((one) => one.hanging.p99 / one.well.p99 - 1).toSorted((a, b) => a - b);
    console.log(`p99 of the sixteen others moves by ${moved.map((one) => `${(100 * one).toFixed(0)} %`).join(", ")}`);
  },
  /** An address answers 500 for a minute, then is well: everything arrives, never faster than its rate. */
  async storm(world) {
    const rate = 200;
    await world.connect("/storm", { rate });
    world.modes({ "/storm": "fail" });
    await world.run({ rate: 100, seconds: 60, products: ["p"], wait: false });
    world.modes({});
    const began = clock();
    await world.drained();
    const all = await world.take();
    const arrived = all.filter(([, , , mode]) => mode === "ok");
    const times = all.map(([, at]) => at).toSorted((a, b) => a - b);
    let most = 0;
    for (let from = 0, to = 0; to < times.length; to++) {
      while (times[to] - times[from] > 1000) from++;
      most = Math.max(most, to - from + 1);
    }
    console.log(
      `6,000 events while it failed: ${new Set(arrived.map((one) => one[2])).size} arrived within ${((Math.max(...arrived.map((one) => one[1])) - began) / 1000).toFixed(1)} s of its recovery; ` +
        `${all.length - arrived.length} calls met the failure; at most ${most} calls in any second at a rate of ${rate}`,
    );
  },
  async idle(world) {
    await world.connect("/idle");
    await world.run({ rate: 50, seconds: 3, products: ["p"] });
    await pause(15_000);
    const cpu = world.cpu();
    await pause(20_000);
    const used = world.cpu() - cpu;
    console.log(`idle: ${((100 * used) / 20).toFixed(2)} % of a core; memory ${world.memory()} MiB`);
  },
  /** 1,000/s for five minutes. */
  async long(world) {
    await world.connect("/long", { concurrency: 50 });
    await world.run({ rate: 200, seconds: 5, products: ["p"] });
    for (let minute = 1; minute <= 5; minute++) {
      print(`minute ${minute}`, await world.run({ rate: 1000, seconds: 60, products: ["p"], wait: false }));
      console.log(`  waiting: ${await world.waiting()}, memory ${world.memory()} MiB`);
    }
  },
};

async function open() {
  const folder = mkdtempSync(join(tmpdir(), "paybell-bench-"));
  chmodSync(folder, 0o755);
  const sinkProcess = fork(self, ["sink"]);
  const { port: sinkPort } = await message(sinkProcess);
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const bin = fileURLToPath(new URL("../packages/paybell/bin/paybell.js", import.meta.url));
  const server = spawn(process.execPath, [bin, "serve", "--port", String(port), "--data", folder], {
    env: { ...process.env, PAYBELL_API_KEY: key, PAYBELL_ALLOW_NETS: "127.0.0.0/8" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 64 });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const api = async (method, path, body) => {
    const { statusCode, body: answer } = await pool.request({
      method,
      path,
      headers,
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (statusCode >= 300) throw new Error(`${path} answered ${statusCode} ${text}`);
    return JSON.parse(text);
  };
  for (;;) {
    const up = await api("GET", "/readyz").catch(() => undefined);
    if (up) break;
    await pause(50);
  }
  const take = async (how = "keep") => {
    sinkProcess.send({ take: how });
    return (await message(sinkProcess)).arrivals;
  };
  const ids = [];
  const waiting = async () => {
    let count = 0;
    for (const id of ids) count += (await api("GET", `/v1/connections/${id}`)).waiting;
    return count;
  };
  const drained = async () => {
    while ((await waiting()) > 0) await pause(200);
  };
  let sequence = 0;
  return {
    take,
    waiting,
    drained,
    modes: (modes) => sinkProcess.send({ modes }),
    cpu: () => cpuSeconds(server.pid),
    memory: () =>
      Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))[1]) / 1024),
    async connect(path, more = {}) {
      const url = `http://127.0.0.1:${sinkPort}${path}`;
      const made = await api("POST", "/v1/connections", {
        direction: "out",
        protocol: "standard-webhooks",
        name: path,
        url,
        ...more,
      });
      ids.push(made.id);
    },
    /** Publishes at a steady rate. @returns milliseconds from the intended instant to the arrival */
    async run({ rate, seconds, products, only, wait = true }) {
      await take("forget");
      const began = clock();
      const cpuBefore = cpuSeconds(server.pid);
      let sent = 0;
      let failed = 0;
      const open = [];
      while (sent < rate * seconds) {
        const due = Math.min(rate * seconds, Math.floor(((clock() - began) / 1000) * rate) + 1);
        while (sent < due) {
          const intended = began + (sent / rate) * 1000;
          const product = products[sent % products.length];
          sent++;
          const done = api("POST", "/v1/payments", payment(++sequence, product, intended)).catch(() => failed++);
          if (open.length < 1000) open.push(done);
          else open[sent % 1000] = done;
        }
        await pause(1);
      }
      await Promise.all(open);
      if (wait && !only) await drained();
      else await pause(1000);
      const arrivals = (await take()).filter(([path, , intended]) => intended > 0 && (!only || only.has(path)));
      const ms = arrivals.map(([, at, intended]) => at - intended).toSorted((a, b) => a - b);
      const at = (part) => ms[Math.min(ms.length - 1, Math.floor(ms.length * part))];
      const cpu = (cpuSeconds(server.pid) - cpuBefore) / sent;
      return { sent, failed, arrived: ms.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), cpuMs: cpu * 1000 };
    },
    async close() {
      server.kill("SIGTERM");
      await new Promise((resolve) => server.once("exit", resolve));
      sinkProcess.kill();
      await pool.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function payment(n, product, intended) {
  return {
    key: `bench-${process.pid}-${n}`,
    type: "payment.made",
    order_id: `ORDER${n}`,
    transaction_id: `TX${n}`,
    product: { id: product, name: "Video course" },
    buyer: { email: `buyer${n}@example.com`, first_name: "Kim", last_name: "Example", country: "DE" },
    reference: String(intended),
    amount: { minor: 9700, currency: "EUR" },
    plan: { kind: "once" },
    happened_at: new Date(intended).toISOString(),
    test: false,
  };
}

function message(child) {
  return new Promise((resolve) => child.once("message", resolve));
}

/** User and system time of a process, in seconds. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function median(figures) {
  const of = (name) => figures.map((one) => one[name]).toSorted((a, b) => a - b)[Math.floor(figures.length / 2)];
  return Object.fromEntries(Object.keys(figures[0]).map((name) => [name, of(name)]));
}

function print(name, { sent, failed, arrived, p50, p95, p99, cpuMs }) {
  const ms = (value) => `${value.toFixed(1)} ms`;
  console.log(
    `${name.padEnd(22)} ${String(sent).padStart(6)} published, ${failed} refused, ${arrived} arrived; p50 ${ms(p50)}, p95 ${ms(p95)}, p99 ${ms(p99)}; server ${cpuMs.toFixed(2)} ms CPU each`,
  );
}

if (process.argv[2] === "sink") sink();
else await main(process.argv.slice(2));
