import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import { afterEach, expect, test, vi } from "vitest";
import { startReceiver } from "../testing/receiver.ts";
import {
  ascending,
  counted,
  gate,
  hour,
  numbered,
  numbers,
  openWorld,
  start,
  until,
  type World,
} from "../testing/sending.ts";

afterEach(() => void vi.restoreAllMocks());

test("two nodes share the lanes, and whatever is published on either arrives once", async () => {
  const world = await openWorld();
  const receivers = await Promise.all(Array.from({ length: 6 }, () => startReceiver()));
  for (const { url } of receivers) await world.address(url);
  const nodes = [world.node(), world.node()] as const;
  await Promise.all(nodes.map((node) => node.lanes.start()));
  await Promise.all(counted(40).map((n) => nodes[n % 2]!.publish({ data: { n: 2 * n } }, { data: { n: 2 * n + 1 } })));
  await Promise.all(nodes.map((node) => node.lanes.settle()));
  for (const receiver of receivers) expect(ascending(numbers(receiver))).toEqual(counted(80));
  expect((await world.attempts()).length).toBe(6 * 80);
  const holders = await world.sql<{ node: string | null }>(
    "select distinct node from lane where transport = 'http' and account_id = $1",
    [world.accountId],
  );
  expect(holders.every(({ node }) => node !== null)).toBe(true);
});

test("two nodes that settle at once send each delivery once", async () => {
  const world = await openWorld();
  const receivers = await Promise.all(Array.from({ length: 4 }, () => startReceiver()));
  for (const { url } of receivers) await world.address(url);
  const nodes = [world.node(), world.node(), world.node()];
  await nodes[0]!.publish(...numbered(30));
  await Promise.all(nodes.map((node) => node.lanes.settle()));
  for (const receiver of receivers) expect(ascending(numbers(receiver))).toEqual(counted(30));
  expect(await world.sql("select 1 from node")).toEqual([]);
});

test("a node that stops ends what it began, begins nothing more, and hands the rest over", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const held = gate();
  receiver.answer(async () => {
    await held.opened;
    return {};
  });
  await world.address(receiver.url, { options: { concurrency: 3 } });
  const [one, two] = [world.node(), world.node()];
  await one.lanes.start();
  await one.publish(...numbered(10));
  await receiver.arrived(3);
  const stopped = one.lanes.stop();
  held.open();
  await stopped;
  expect(receiver.received).toHaveLength(3);
  await two.lanes.settle();
  expect(ascending(numbers(receiver))).toEqual(counted(10));
  expect((await world.attempts()).length).toBe(10);
});

test("a node that lost its lease begins nothing more, and what it writes late turns nothing back", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const late = gate();
  receiver.answer(async (_, index) => {
    if (index > 0) return {};
    await late.opened;
    return { status: 500 };
  });
  const lane = await world.address(receiver.url, { options: { concurrency: 1 } });
  const [loser, winner] = [world.node(), world.node()];
  await loser.lanes.start();
  await loser.publish(...numbered(5));
  await receiver.arrived(1);
  await world.expireLease(lane);
  await winner.lanes.settle();
  expect(receiver.received).toHaveLength(6);
  await until(() => loser.said.some((line) => line.includes("lost its lanes")));
  const before = await world.deliveries();
  expect(before.map(({ state }) => state)).toEqual(Array(5).fill("sent"));
  late.open();
  await until(async () => (await world.attempts()).length === 6);
  await loser.lanes.settle();
  expect(receiver.received).toHaveLength(6);
  expect(await world.deliveries()).toEqual(before);
  // Nor does the loser's word on the address count.
  expect(await world.lane(lane)).toMatchObject({ failures: 0, failing_since: null, open_until: null });
});

test("a delivery the loser did bring is written as sent, though the winner's try failed", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const late = gate();
  receiver.answer(async (_, index) => {
    if (index > 0) return { status: 500 };
    await late.opened;
    return {};
  });
  const lane = await world.address(receiver.url);
  const [loser, winner] = [world.node(), world.node()];
  await loser.lanes.start();
  await loser.publish({});
  await receiver.arrived(1);
  await world.expireLease(lane);
  await winner.lanes.settle();
  expect(await world.deliveries()).toMatchObject([{ state: "due", attempts: 1 }]);
  late.open();
  await until(async () => (await world.deliveries())[0]?.state === "sent");
  expect(await world.deliveries()).toMatchObject([{ reason: null, sent_at: start }]);
  world.pass(72 * hour);
  await winner.lanes.settle();
  expect(receiver.received).toHaveLength(2);
});

test("a node whose heart cannot beat begins nothing after its lease, though nobody tells it", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const held = gate();
  receiver.answer(async (_, index) => {
    if (index === 0) await held.opened;
    return {};
  });
  const lane = await world.address(receiver.url, { options: { concurrency: 1 } });
  const [frozen, other] = [world.node(), world.node()];
  await frozen.lanes.start();
  await frozen.publish(...numbered(5));
  await receiver.arrived(1);
  // Every connection of its is taken, so that its heartbeat waits.
  const taken = await Promise.all(Array.from({ length: frozen.pool.options.max }, () => frozen.pool.connect()));
  await world.expireLease(lane);
  const real = performance.now.bind(performance);
  vi.spyOn(performance, "now").mockImplementation(() => real() + 6000);
  held.open();
  await until(async () => {
    await other.lanes.settle();
    return receiver.received.length >= 6;
  });
  for (const client of taken) client.release();
  await until(() => frozen.said.some((line) => line.includes("lost its lanes")));
  await frozen.lanes.settle();
  expect(ascending(numbers(receiver))).toEqual([0, 0, 1, 2, 3, 4]);
  expect((await world.deliveries()).map(({ state }) => state)).toEqual(Array(5).fill("sent"));
});

test("a lease that is renewed in the last moment goes on with what waits in memory", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const held = gate();
  receiver.answer(async (_, index) => {
    if (index === 0) await held.opened;
    return {};
  });
  const lane = await world.address(receiver.url, { options: { concurrency: 1 } });
  const node = world.node();
  await node.lanes.start();
  await node.publish(...numbered(5));
  await receiver.arrived(1);
  // By its own clock the lease is over, by the store's it is not.
  const real = performance.now.bind(performance);
  vi.spyOn(performance, "now").mockImplementation(() => real() + 6000);
  held.open();
  await until(async () => (await world.deliveries()).filter(({ state }) => state === "sent").length === 5);
  expect(ascending(numbers(receiver))).toEqual(counted(5));
  expect((await world.lane(lane)).node).not.toBeNull();
});

test("what is published while two nodes take the same lanes at once waits for no one's next look", async () => {
  const world = await openWorld();
  const receivers = await Promise.all(Array.from({ length: 20 }, () => startReceiver()));
  for (const { url } of receivers) await world.address(url);
  const nodes = [world.node(), world.node()] as const;
  await Promise.all(nodes.map((node) => node.lanes.start()));
  await Promise.all([
    nodes[0].publish({ data: { n: 0 } }),
    nodes[0].lanes.tick(),
    nodes[1].publish({ data: { n: 1 } }),
    nodes[1].lanes.tick(),
  ]);
  await Promise.all(receivers.map((receiver) => receiver.arrived(2)));
  for (const receiver of receivers) expect(ascending(numbers(receiver))).toEqual([0, 1]);
});

test("what is offered to a node that comes too late for the lane is sent by the one that holds it", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  await world.address(receiver.url);
  const [holder, late, silent] = [world.node(), world.node(), world.node()];
  await Promise.all([holder, late].map((node) => node.lanes.start()));
  await holder.publish({ data: { n: 0 } });
  await receiver.arrived(1);
  await until(async () => (await world.deliveries()).every(({ state }) => state === "sent"));
  // Written in the moment in which nobody held the lane yet.
  const offer = vi.spyOn(silent.lanes, "offer");
  await silent.publish({ data: { n: 1 } });
  late.lanes.offer(offer.mock.calls.flatMap(([offered]) => offered.map((one) => ({ ...one, node: null }))));
  await receiver.arrived(2);
  expect(numbers(receiver)).toEqual([0, 1]);
});

test("on one machine, what a process held that was killed is sent at once by the next, though its lease still runs", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const lane = await world.address(receiver.url);
  await world.node().publish(...numbered(3));
  const dead = spawnSync(process.execPath, ["--version"]).pid;
  const [row] = await world.sql<{ id: string }>(
    `insert into node (id, name, started_at, leased_until)
     values (gen_random_uuid(), $1, clock_timestamp(), clock_timestamp() + interval '1 hour') returning id`,
    [`${hostname()}:${dead}`],
  );
  await world.sql("update lane set node = $2 where id = $1", [lane, row?.id]);
  const node = world.node({ oneMachine: true });
  await node.lanes.start();
  await node.lanes.tick();
  await receiver.arrived(3);
  expect(ascending(numbers(receiver))).toEqual(counted(3));
});

test("idle lanes are let go of, and taken again without a gap when something is published in that moment", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const lane = await world.address(receiver.url);
  const node = world.node();
  await node.lanes.start();
  const real = performance.now.bind(performance);
  let aheadMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => real() + aheadMs);
  for (let n = 0; n < 4; n++) {
    await node.publish({ data: { n } });
    await receiver.arrived(n + 1);
    await until(async () => (await world.deliveries()).every(({ state }) => state === "sent"));
    aheadMs += 5500;
    // Let go of before it is asked for, or at the same time; nobody looks again later.
    if (n === 0) await node.lanes.tick();
    else void node.lanes.tick();
    if (n === 0) expect((await world.lane(lane)).node).toBeNull();
  }
  expect(numbers(receiver)).toEqual(counted(4));
});

test("whatever is published while a lane is let go of and taken again, again and again, arrives once", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const lane = await world.address(receiver.url);
  const node = world.node();
  await node.lanes.start();
  for (let n = 0; n < 30; n++) {
    await world.change(lane, {});
    node.lanes.look([lane]);
    for (let turn = 0; turn < n % 7; turn++) await new Promise(setImmediate);
    await node.publish({ data: { n } });
  }
  await receiver.arrived(30);
  await node.lanes.settle();
  expect(ascending(numbers(receiver))).toEqual(counted(30));
});

test("what is published while the lane is let go of for a change arrives, by the new rules", async () => {
  const world = await openWorld();
  const [before, after] = [await startReceiver(), await startReceiver()];
  const held = gate();
  before.answer(async () => {
    await held.opened;
    return {};
  });
  const lane = await world.address(before.url, { options: { concurrency: 2 } });
  const node = world.node();
  await node.lanes.start();
  await node.publish(...numbered(5));
  await before.arrived(2);
  await world.move(lane, after.url);
  node.lanes.look([lane]);
  await node.publish(...numbered(3, {}, 5));
  held.open();
  await until(() => before.received.length + after.received.length === 8);
  await node.lanes.settle();
  expect(ascending([...numbers(before), ...numbers(after)])).toEqual(counted(8));
  await node.publish({ data: { n: 8 } });
  await after.arrived(1);
  await until(() => numbers(after).includes(8));
});

test("a paused address gets nothing and loses nothing; switched on, it gets all of it", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const lane = await world.address(receiver.url);
  const node = world.node();
  await node.lanes.start();
  await world.change(lane, { paused_at: new Date(start) });
  await node.publish(...numbered(20));
  await node.lanes.tick();
  await node.lanes.settle();
  expect(receiver.received).toEqual([]);
  await world.change(lane, { paused_at: null });
  node.lanes.look([lane]);
  await receiver.arrived(20);
  expect(ascending(numbers(receiver))).toEqual(counted(20));
});

test("an address paused while it is being served gets what was under way and no more", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const held = gate();
  receiver.answer(async () => {
    await held.opened;
    return {};
  });
  const lane = await world.address(receiver.url, { options: { concurrency: 2 } });
  const node = world.node();
  await node.lanes.start();
  await node.publish(...numbered(10));
  await receiver.arrived(2);
  await world.change(lane, { paused_at: new Date(start) });
  const query = vi.spyOn(node.pool, "query");
  node.lanes.look([lane]);
  // It has seen the change.
  await Promise.all(query.mock.results.map(({ value }) => value as Promise<unknown>));
  await node.publish(...numbered(1, {}, 10));
  held.open();
  await until(async () => (await world.lane(lane)).node === null);
  expect(receiver.received).toHaveLength(2);
  await world.change(lane, { paused_at: null });
  node.lanes.look([lane]);
  await receiver.arrived(11);
  await node.lanes.settle();
  expect(ascending(numbers(receiver))).toEqual(counted(11));
});

test("a change is noticed without being told, by the next heartbeat", async () => {
  const world = await openWorld();
  const [before, after] = [await startReceiver(), await startReceiver()];
  const lane = await world.address(before.url);
  const node = world.node();
  await node.lanes.start();
  await node.publish({ data: { n: 0 } });
  await before.arrived(1);
  await world.move(lane, after.url);
  for (let n = 1; after.received.length === 0; n++) {
    await node.publish({ data: { n } });
    await until(async () => (await world.deliveries()).every(({ state }) => state === "sent"));
  }
  expect(numbers(before).length + numbers(after).length).toBe((await world.deliveries()).length);
});

test("more than memory holds waits in the store, and all of it arrives once", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const held = gate();
  receiver.answer(async () => {
    await held.opened;
    return {};
  });
  await world.address(receiver.url, { options: { concurrency: 100 } });
  const node = world.node();
  await node.lanes.start();
  await node.publish({ data: { n: 0 } });
  await receiver.arrived(1);
  for (let from = 1; from < 1500; from += 499) await node.publish(...numbered(Math.min(499, 1500 - from), {}, from));
  held.open();
  await receiver.arrived(1500);
  await node.lanes.settle();
  expect(ascending(numbers(receiver))).toEqual(counted(1500));
});

test("results that the store does not take are kept and written later, and nothing answered is sent again", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const held = gate();
  receiver.answer(async () => {
    await held.opened;
    return {};
  });
  await world.address(receiver.url, { options: { concurrency: 10 } });
  const node = world.node();
  await node.lanes.start();
  await node.publish(...numbered(30));
  await receiver.arrived(10);
  await world.whileLocked("attempt", async (pid) => {
    held.open();
    await until(
      async () => (await cutStore(world, pid)) > 0 && node.said.some((line) => line.includes("wait for the store")),
    );
    expect((await world.deliveries()).every(({ state }) => state === "due")).toBe(true);
  });
  await receiver.arrived(30);
  await until(async () => (await world.deliveries()).every(({ state }) => state === "sent"));
  expect(ascending(numbers(receiver))).toEqual(counted(30));
  expect((await world.attempts()).length).toBe(30);
});

test("with the store gone again and again, every published event arrives, and what was answered is not sent twice", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  await world.address(receiver.url);
  const node = world.node();
  await node.lanes.start();
  let published = 0;
  const publishing = Promise.all(
    counted(6).map(async (publisher) => {
      for (let n = 0; n < 25; n++) {
        const event = { key: `${publisher}-${n}`, data: { n: publisher * 25 + n } };
        // What was refused is published again, under its key.
        while (!(await node.publish(event).catch(() => undefined))) await new Promise(setImmediate);
        published++;
      }
    }),
  );
  for (let cut = 1; cut <= 8; cut++) {
    await until(() => published >= cut * 15);
    await cutStore(world);
  }
  await publishing;
  await until(async () => {
    await node.lanes.tick().catch(() => undefined);
    return (await world.deliveries()).every(({ state }) => state === "sent");
  });
  expect(ascending(numbers(receiver))).toEqual(counted(150));
}, 120_000);

test("a node stops though its store is gone", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const lane = await world.address(receiver.url);
  const node = world.node();
  await node.lanes.start();
  await node.publish({});
  await receiver.arrived(1);
  await until(async () => (await world.deliveries())[0]?.state === "sent");
  await node.pool.end();
  node.lanes.look([lane, await world.address(receiver.url)]);
  await node.lanes.stop();
  expect(node.said.join("")).toContain("wait for the store");
});

/** Ends every connection to the store but one's own. @returns how many */
async function cutStore(world: World, spared = 0): Promise<number> {
  const rows = await world.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid not in (pg_backend_pid(), $1)",
    [spared],
  );
  return rows.length;
}
