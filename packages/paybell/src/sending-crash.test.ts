import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { all, api, freePort, seeded, serve, storeFolder, storeProcess, until, untilAsync } from "./testing/server.ts";

/* The sending end under load, killed and frozen: whatever was accepted reaches every address. */

const concurrency = 10;
const folders = [storeFolder(), storeFolder(), storeFolder()] as const;

test("killed twenty times while publishing, the store's server too: every accepted event reaches every address", async () => {
  const folder = folders[0];
  const sink = await openSink();
  const port = await freePort();
  const env = { PAYBELL_ALLOW_NETS: "127.0.0.0/8" };
  const random = seeded(20261122);
  let server = await serve(folder, port, env);
  const paths = ["/a", "/b", "/c"];
  for (const path of paths) await connect(server.base, sink.url + path);

  const accepted = new Map<string, string>();
  const open: string[] = [];
  let sequence = 0;
  let kills = { process: 0, store: 0 };
  for (let n = 0; n < 24; n++) {
    const enough = accepted.size + 20 + Math.floor(random() * 60);
    const round = { over: false };
    const publishers = Array.from({ length: 6 }, async () => {
      // What was not answered is published again, under the same key.
      while (!round.over) {
        const key = open.shift() ?? `K${String(sequence++).padStart(6, "0")}`;
        const id = await publish(server.base, key);
        if (id === undefined) open.push(key);
        else accepted.set(key, id);
      }
    });
    await until(() => accepted.size >= enough);
    if (n % 6 === 5) {
      process.kill(storeProcess(folder), "SIGKILL");
      kills = { ...kills, store: kills.store + 1 };
      const after = accepted.size;
      await until(() => accepted.size > after); // it recovers by itself, without a restart of ours
    } else {
      await server.end("SIGKILL");
      kills = { ...kills, process: kills.process + 1 };
    }
    round.over = true;
    await Promise.all(publishers);
    if (!server.isUp()) server = await serve(folder, port, env);
  }
  for (const key of open.splice(0)) {
    await untilAsync(async () => {
      const id = await publish(server.base, key);
      if (id !== undefined) accepted.set(key, id);
      return id !== undefined;
    });
  }

  await until(() => paths.every((path) => [...accepted.values()].every((id) => sink.times(path, id) > 0)));
  await untilAsync(async () => (await all(server.base, "/v1/deliveries?state=due&transport=http")).length === 0);
  const deliveries = await all<{ state: string; event_id: string }>(server.base, "/v1/deliveries?transport=http");
  expect(deliveries.filter(({ state }) => state !== "sent")).toEqual([]);
  expect(deliveries).toHaveLength(accepted.size * paths.length);
  expect(new Set(accepted.values()).size).toBe(accepted.size);
  // Only what was under way when it was killed may come twice.
  const repeats = sink.arrivals() - deliveries.length;
  expect(repeats).toBeLessThanOrEqual((kills.process + kills.store) * paths.length * concurrency);
  expect(kills).toEqual({ process: 20, store: 4 });
  console.log(
    `sending: ${kills.process} kills of the process, ${kills.store} of the store; ${accepted.size} events to ${paths.length} addresses, ${repeats} came twice, none is missing`,
  );
}, 300_000);

test("three nodes, one killed, one frozen for longer than its lease and woken: nothing is lost, nothing ends in a wrong state", async () => {
  const folder = folders[1];
  const sink = await openSink();
  const env = { PAYBELL_ALLOW_NETS: "127.0.0.0/8" };
  const a = await serve(folder, await freePort(), env);
  const b = await serve(folder, await freePort(), env);
  const c = await serve(folder, await freePort(), env);
  const paths = ["/1", "/2", "/3", "/4", "/5", "/6"];
  // One by one through all nodes, so that each holds some of the lanes.
  for (const [index, path] of paths.entries()) {
    const node = [a, b, c][index % 3]!;
    await connect(node.base, sink.url + path);
  }
  const accepted: string[] = [];
  let sequence = 0;
  const publishOn = async (nodes: readonly { base: string }[], count: number) => {
    for (let n = 0; n < count; n++) {
      const key = `N${sequence++}`;
      const node = nodes[n % nodes.length]!;
      await untilAsync(async () => {
        const id = await publish(node.base, key);
        if (id !== undefined) accepted.push(id);
        return id !== undefined;
      });
    }
  };
  const arrived = () => until(() => paths.every((path) => accepted.every((id) => sink.times(path, id) > 0)));

  await publishOn([a, b, c], 150);
  await c.end("SIGKILL");
  await publishOn([a, b], 100);
  b.signal("SIGSTOP");
  await publishOn([a], 100);
  await arrived(); // also what the frozen node held
  b.signal("SIGCONT");
  await publishOn([a, b], 150);
  await arrived();

  await untilAsync(async () => (await all(a.base, "/v1/deliveries?state=due&transport=http")).length === 0);
  const deliveries = await all<{ state: string }>(a.base, "/v1/deliveries?transport=http");
  expect(deliveries.filter(({ state }) => state !== "sent")).toEqual([]);
  expect(deliveries).toHaveLength(accepted.length * paths.length);
  expect(sink.arrivals() - deliveries.length).toBeLessThanOrEqual(2 * paths.length * concurrency);
}, 180_000);

test("killed in the instant after the last answer: what was accepted goes on with the next start, though nothing more is published", async () => {
  const folder = folders[2];
  const sink = await openSink();
  const env = { PAYBELL_ALLOW_NETS: "127.0.0.0/8" };
  const accepted: string[] = [];
  let server = await serve(folder, await freePort(), env);
  await connect(server.base, `${sink.url}/once`);
  for (let n = 0; n < 5; n++) {
    const ids = await Promise.all(Array.from({ length: 20 }, (_, at) => publish(server.base, `L${n}-${at}`)));
    await server.end("SIGKILL");
    accepted.push(...ids.flatMap((id) => id ?? []));
    expect(accepted).toHaveLength(20 * (n + 1));
    server = await serve(folder, await freePort(), env);
    await until(() => accepted.every((id) => sink.times("/once", id) > 0));
  }
}, 120_000);

async function connect(base: string, url: string): Promise<void> {
  await api(base, "POST", "/v1/connections", {
    direction: "out",
    protocol: "standard-webhooks",
    name: url,
    url,
    concurrency,
    events: ["payment.*"],
  });
}

/** @returns the event's id; undefined: not answered, or not now */
async function publish(base: string, key: string): Promise<string | undefined> {
  try {
    const { id } = await api<{ id: string }>(base, "POST", "/v1/payments", {
      key,
      type: "payment.made",
      order_id: key,
      transaction_id: `tx-${key}`,
      product: { id: "course" },
      buyer: { email: "kim@example.com" },
      amount: { minor: 9700, currency: "EUR" },
      plan: { kind: "once" },
      happened_at: "2026-11-22T12:00:00Z",
      test: false,
    });
    return id;
  } catch (error) {
    if (error instanceof TypeError || /answered 503/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/** Counts what arrives, by path and event. */
async function openSink() {
  const counts = new Map<string, number>();
  let arrivals = 0;
  const server = createServer((request, response) => {
    const name = `${request.url} ${String(request.headers["webhook-id"])}`;
    request.resume().on("end", () => {
      arrivals++;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      response.end();
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    times: (path: string, id: string) => counts.get(`${path} ${id}`) ?? 0,
    arrivals: () => arrivals,
  };
}
