import { expect, test } from "vitest";
import { inTransaction } from "../db/transaction.ts";
import { newId } from "../domain/id.ts";
import { startReceiver } from "../testing/receiver.ts";
import { day, type Delivery, hour, openWorld, start, type World } from "../testing/sending.ts";
import { addEvents } from "./events.ts";
import { addJob, createJobs, dropLeftBehind, type JobKind, type JobParams } from "./jobs.ts";

type JobState = {
  id: string;
  state: string;
  done: bigint;
  total: bigint | null;
  position: string | null;
  reason: string | null;
};

function job(
  world: World,
  kind: JobKind,
  params: Partial<JobParams> = {},
  mode: "live" | "test" = "live",
): Promise<string> {
  const all = { connection_id: null, since: new Date(start - day).toISOString(), until: null, types: null, ...params };
  return addJob(world.pool, { accountId: world.accountId, mode, kind, params: all }, world.now());
}

async function stateOf(world: World, id: string): Promise<JobState> {
  const [row] = await world.sql<JobState>("select id, state, done, total, position, reason from job where id = $1", [
    id,
  ]);
  if (!row) throw new Error("There is no such job.");
  return row;
}

/** A connection that so many events have failed for. */
async function failed(world: World, url: string, count: number): Promise<{ lane: string; deliveries: Delivery[] }> {
  const lane = await world.address(url);
  const node = world.node();
  for (let from = 0; from < count; from += 1000)
    await node.publish(...Array.from({ length: Math.min(1000, count - from) }, (_, n) => ({ data: { n: from + n } })));
  await world.sql("update delivery set state = 'failed', reason = 'refused', attempts = 10 where lane_id = $1", [lane]);
  return { lane, deliveries: await world.deliveries(lane) };
}

test("recover: what failed for good is due again, in several steps, its schedule begun anew", async () => {
  const world = await openWorld();
  const { lane } = await failed(world, "http://127.0.0.1:9", 1200);
  world.pass(hour);
  const id = await job(world, "recover", { connection_id: lane });
  expect(await stateOf(world, id)).toMatchObject({ state: "running", done: 0n, total: 1200n });
  await world.node().jobs.work();
  expect(await stateOf(world, id)).toMatchObject({ state: "done", done: 1200n, total: 1200n });
  for (const delivery of await world.deliveries(lane)) {
    expect(delivery).toMatchObject({
      state: "due",
      attempts: 10,
      attempts_before: 10,
      reason: null,
      due_at: start + hour,
    });
  }
});

test("recovered, everything arrives, and what fails again has its whole schedule before it", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const { lane } = await failed(world, receiver.url, 3);
  receiver.answer((_, index) => (index === 0 ? { status: 500 } : {}));
  await job(world, "recover");
  const node = world.node();
  await node.lanes.start();
  await node.jobs.work();
  await receiver.arrived(3);
  await node.lanes.settle();
  const states = (await world.deliveries(lane)).map(({ state, attempts }) => `${state} ${attempts}`);
  expect(states.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(["due 11", "sent 11", "sent 11"]);
  world.pass(5000);
  await node.lanes.settle();
  expect((await world.deliveries(lane)).every(({ state }) => state === "sent")).toBe(true);
});

test("a job is about what it names, and nothing else", async () => {
  const world = await openWorld();
  const [wanted, other] = [await world.address("http://127.0.0.1:9"), await world.address("http://127.0.0.1:9")];
  const test = await world.address("http://127.0.0.1:9", { mode: "test" });
  const elsewhere = await world.account();
  await world.address("http://127.0.0.1:9", { accountId: elsewhere });
  const node = world.node();
  const types = ["payment.made", "payment.refunded", "access.granted"];
  for (const at of [0, 1, 2]) {
    world.set(start + at * hour);
    await node.publish(
      ...types.map((type) => ({ type, data: { at } })),
      { mode: "test", data: { at } },
      { accountId: elsewhere, data: { at } },
    );
  }
  await world.sql("update delivery set state = 'failed' where account_id = any($1)", [[world.accountId, elsewhere]]);
  const [sent] = await world.deliveries(wanted);
  await world.sql("update delivery set state = 'sent' where id = $1", [sent?.id]);
  const id = await job(world, "recover", {
    connection_id: wanted,
    since: new Date(start + hour).toISOString(),
    until: new Date(start + 2 * hour).toISOString(),
    types: ["payment.*"],
  });
  await node.jobs.work();
  expect(await stateOf(world, id)).toMatchObject({ state: "done", done: 2n, total: 2n });
  const due = (await world.deliveries()).filter(({ state }) => state === "due");
  expect(due.map(({ kind, lane_id }) => [kind, lane_id]).toSorted(([a], [b]) => (a! < b! ? -1 : 1))).toEqual([
    ["payment.made", wanted],
    ["payment.refunded", wanted],
  ]);
  expect((await world.deliveries(other)).every(({ state }) => state === "failed")).toBe(true);
  expect((await world.deliveries(test)).every(({ state }) => state === "failed")).toBe(true);
});

test("fill: a new connection gets the events of before that it wants, each once", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const node = world.node();
  await node.publish(
    ...Array.from({ length: 700 }, (_, n) => ({ type: n % 2 === 0 ? "payment.made" : "order.changed", data: { n } })),
  );
  world.pass(hour);
  const lane = await world.address(receiver.url, { types: ["payment.*"], options: { concurrency: 50 } });
  // One of them is there already.
  await node.publish({ data: { n: 700 } });
  world.pass(hour);
  const jobs = [await job(world, "fill", { connection_id: lane }), await job(world, "fill", { connection_id: lane })];
  await node.jobs.work();
  expect(await stateOf(world, jobs[0]!)).toMatchObject({ state: "done", done: 350n, total: 350n });
  expect(await stateOf(world, jobs[1]!)).toMatchObject({ state: "done", done: 0n });
  await node.lanes.settle();
  const numbers = receiver.messages().map((message) => (message as { data: { n: number } }).data.n);
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 351 }, (_, n) => 2 * n));
});

test("drop: what is still due to a connection is given up, and nothing of it is sent", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const [lane, other] = [await world.address(receiver.url), await world.address(receiver.url)];
  const node = world.node();
  await node.publish(...Array.from({ length: 600 }, (_, n) => ({ data: { n } })));
  await world.sql("update delivery set state = 'sent' where id = $1", [(await world.deliveries(lane))[0]?.id]);
  const id = await job(world, "drop", { connection_id: lane });
  await node.jobs.work();
  expect(await stateOf(world, id)).toMatchObject({ state: "done", done: 599n });
  expect((await world.deliveries(lane)).filter(({ state }) => state !== "dropped")).toHaveLength(1);
  expect((await world.deliveries(other)).every(({ state }) => state === "due")).toBe(true);
});

test("a job stopped in the middle goes on where it was, on another node, and does nothing twice", async () => {
  const world = await openWorld();
  const { lane } = await failed(world, "http://127.0.0.1:9", 1800);
  const id = await job(world, "recover");
  const { context } = world.node();
  // Told of the lanes after its first step, the node is stopped.
  let stopping: Promise<void> | undefined;
  const first = createJobs({
    ...context,
    sending: { ...context.sending, look: () => void (stopping ??= first.stop()) },
  });
  await first.work();
  await stopping;
  expect(await stateOf(world, id)).toMatchObject({ state: "running", done: 500n, position: expect.any(String) });
  // What was recovered fails again, and is not looked at again.
  await world.sql("update delivery set state = 'failed', attempts = 20 where lane_id = $1 and state = 'due'", [lane]);
  await world.node().jobs.work();
  expect(await stateOf(world, id)).toMatchObject({ state: "done", done: 1800n });
  const states = (await world.deliveries(lane)).map(({ state }) => state);
  expect(states.filter((state) => state === "failed")).toHaveLength(500);
  expect(states.filter((state) => state === "due")).toHaveLength(1300);
});

test("a job that is cancelled changes nothing more", async () => {
  const world = await openWorld();
  const { lane } = await failed(world, "http://127.0.0.1:9", 1200);
  const id = await job(world, "recover");
  const { context, jobs } = world.node();
  const first = createJobs({ ...context, sending: { ...context.sending, look: () => void first.stop() } });
  await first.work();
  await world.sql("update job set state = 'cancelled' where id = $1", [id]);
  await jobs.work();
  expect(await stateOf(world, id)).toMatchObject({ state: "cancelled", done: 500n });
  expect((await world.deliveries(lane)).filter(({ state }) => state === "due")).toHaveLength(500);
});

test("two nodes at work on the same jobs do each once", async () => {
  const world = await openWorld();
  const { lane } = await failed(world, "http://127.0.0.1:9", 1500);
  const jobs = [
    await job(world, "recover", { connection_id: lane }),
    await job(world, "recover", { connection_id: lane }),
  ];
  const nodes = [world.node(), world.node()];
  await Promise.all(nodes.map((node) => node.jobs.work()));
  // One may have found both jobs taken by the other for the moment.
  await Promise.all(nodes.map((node) => node.jobs.work()));
  const states = await Promise.all(jobs.map((id) => stateOf(world, id)));
  expect(states.map(({ state }) => state)).toEqual(["done", "done"]);
  expect(states.reduce((sum, { done }) => sum + done, 0n)).toBe(1500n);
});

test("a job that cannot be done has failed, and keeps none waiting", async () => {
  const world = await openWorld();
  const { lane } = await failed(world, "http://127.0.0.1:9", 3);
  const bad = newId(start - 1);
  await world.sql(
    "insert into job (account_id, id, mode, kind, params, state, created_at) values ($1, $2, 'live', 'recover', $3, 'running', $4)",
    [world.accountId, bad, { since: "yesterday" }, new Date(start)],
  );
  const good = await job(world, "recover", { connection_id: lane });
  const node = world.node();
  await node.jobs.work();
  expect(await stateOf(world, bad)).toMatchObject({ state: "failed", reason: "not_doable" });
  expect(await stateOf(world, good)).toMatchObject({ state: "done", done: 3n });
});

test("a job made while a round is on its way is done by whoever asked for it", async () => {
  const world = await openWorld();
  await failed(world, "http://127.0.0.1:9", 5);
  const { jobs } = world.node();
  for (let n = 0; n < 15; n++) {
    const before = jobs.work();
    const id = await job(world, "recover");
    await jobs.work();
    expect(await stateOf(world, id)).toMatchObject({ state: "done" });
    await before;
  }
});

test("what was written for a connection while it was being removed is given up, and nothing else is", async () => {
  const world = await openWorld();
  const [removed, other] = [await world.address("http://127.0.0.1:9"), await world.address("http://127.0.0.1:9")];
  const mail = await world.mail();
  const node = world.node();
  const { accountId } = world;
  const announcement = { accountId, mode: "live" as const, type: "payment.made", at: start, orderKey: null, data: {} };
  await inTransaction(world.pool, async (tx) => {
    await addEvents(node.context, tx, [announcement]);
    await world.sql("delete from address where id = $1", [removed]);
    await job(world, "drop", { connection_id: removed });
    await node.jobs.work();
  });
  expect(await world.deliveries(removed)).toMatchObject([{ state: "due" }]);
  expect(await dropLeftBehind(world.pool)).toBe(1);
  expect(await world.deliveries(removed)).toMatchObject([{ state: "dropped", reason: "connection_removed" }]);
  expect(await world.deliveries(other)).toMatchObject([{ state: "due" }]);
  expect(await world.delivery(mail)).toMatchObject({ state: "due" });
  expect(await dropLeftBehind(world.pool)).toBe(0);
});

test("what failed for a connection that was removed since is not made due again", async () => {
  const world = await openWorld();
  const { lane } = await failed(world, "http://127.0.0.1:9", 2);
  await world.sql("delete from address where id = $1", [lane]);
  const id = await job(world, "recover");
  await world.node().jobs.work();
  expect(await stateOf(world, id)).toMatchObject({ state: "done", done: 0n, total: 0n });
  expect((await world.deliveries(lane)).map(({ state }) => state)).toEqual(["failed", "failed"]);
});
