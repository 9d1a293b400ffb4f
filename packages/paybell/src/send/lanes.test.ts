import { createHmac } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { createSeal } from "../db/seal.ts";
import { type Receiver, startReceiver } from "../testing/receiver.ts";
import { gate, hour, minute, openWorld, secret, start, until, type World } from "../testing/sending.ts";
import type { Publishing } from "./publish.ts";

afterEach(() => void vi.restoreAllMocks());

/** Events by the number they carry. */
function numbered(count: number, more: Partial<Publishing> = {}, from = 0): Partial<Publishing>[] {
  return Array.from({ length: count }, (_, n) => ({ ...more, data: { n: from + n } }));
}

function numbers(receiver: Receiver): number[] {
  return receiver.messages().map((message) => (message as { data: { n: number } }).data.n);
}

function counted(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

const ascending = (all: readonly number[]) => all.toSorted((a, b) => a - b);

test("a published event reaches each address once, under its id, signed with the secrets that are valid", async () => {
  const world = await openWorld();
  const [one, two] = [await startReceiver(), await startReceiver()];
  const old = `whsec_${Buffer.alloc(32, 6).toString("base64")}`;
  await world.address(`${one.url}/in?token=a`, { headers: { "x-tenant": "7" } });
  await world.address(two.url, {
    secrets: [{ secret }, { secret: old, expiresAt: start + hour }, { secret: "whsec_expired", expiresAt: start }],
  });
  const node = world.node();
  await node.lanes.start();
  const [published] = await node.publish({ data: { order_id: "A1B2C3D4" } });
  if (!published?.ok) throw new Error("It was not published.");
  const [first] = await one.arrived(1);
  const [second] = await two.arrived(1);
  const body = `{"type":"payment.made","timestamp":"2026-03-10T09:15:00.000Z","data":{"order_id":"A1B2C3D4"}}`;
  const signed = (by: string) =>
    `v1,${createHmac("sha256", Buffer.from(by.slice("whsec_".length), "base64"))
      .update(`${published.eventId}.${start / 1000}.${body}`)
      .digest("base64")}`;
  expect(first).toMatchObject({ method: "POST", path: "/in?token=a", body });
  expect(first?.headers).toMatchObject({
    "webhook-id": published.eventId,
    "webhook-timestamp": String(start / 1000),
    "webhook-signature": signed(secret),
    "x-tenant": "7",
    "user-agent": "Paybell",
  });
  expect(second?.headers["webhook-signature"]?.split(" ").toSorted()).toEqual([signed(secret), signed(old)].toSorted());
  await node.lanes.settle();
  expect([one.received.length, two.received.length]).toEqual([1, 1]);
  expect(await world.deliveries()).toMatchObject([
    { state: "sent", attempts: 1, sent_at: start, reason: null },
    { state: "sent", attempts: 1, sent_at: start, reason: null },
  ]);
});

test("every attempt leaves its proof", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer((_, index) => (index === 0 ? { status: 500, body: "out of order" } : { body: "thanks" }));
  const lane = await world.address(receiver.url);
  const node = world.node();
  await node.publish({});
  await node.lanes.settle();
  world.pass(5000);
  await node.lanes.settle();
  expect(await world.attempts()).toMatchObject([
    { number: 1, at: start, status: 500, code: "refused", answer: "out of order" },
    { number: 2, at: start + 5000, status: 200, code: null, sentence: null, answer: "thanks" },
  ]);
  expect(await world.lane(lane)).toMatchObject({
    node: null,
    failures: 0,
    failing_since: null,
    last_sent_at: start + 5000,
    last_failure: { code: "refused", status: 500 },
  });
});

test.each<[string, Parameters<World["address"]>[1], boolean[]]>([
  ["all of them", {}, [true, true, true, true]],
  ["one type", { types: ["payment.made"] }, [true, true, false, false]],
  ["a family", { types: ["access.*"] }, [false, false, true, false]],
  ["a family is not a beginning", { types: ["pay.*", "payment"] }, [false, false, false, false]],
  ["a product by the provider's id", { products: ["p-1"] }, [true, false, false, false]],
  ["a product by ours", { products: ["ours-2"] }, [false, true, false, false]],
  ["no less than an amount", { minMinor: 2000 }, [false, true, true, true]],
  ["no more than an amount", { maxMinor: 1000 }, [true, false, true, true]],
  ["one currency", { currency: "USD" }, [false, true, true, true]],
  ["the other mode", { mode: "test" }, [false, false, false, false]],
])("a connection that wants %s gets just that", async (_, shape, wanted) => {
  const world = await openWorld();
  const receiver = await startReceiver();
  await world.address(receiver.url, shape);
  await world.address(receiver.url, { accountId: await world.account() });
  const node = world.node();
  await node.publish(
    { data: { n: 0, product: { id: "p-1" }, amount: { minor: 1000, currency: "EUR" } } },
    { data: { n: 1, product: { id: "p-2", product_id: "ours-2" }, amount: { minor: 2000, currency: "USD" } } },
    { type: "access.granted", data: { n: 2 } },
    { type: "customer.changed", data: { n: 3 } },
  );
  await node.lanes.settle();
  expect(ascending(numbers(receiver))).toEqual(counted(4).filter((n) => wanted[n]));
});

test("an event that the format has no words for is dropped, and says so", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  await world.address(receiver.url, { format: "copecart", secrets: [{ secret: "shared" }] });
  const node = world.node();
  await node.publish({ type: "licence.activated" });
  await node.lanes.settle();
  expect(await world.deliveries()).toMatchObject([{ state: "dropped", reason: "not_expressible", attempts: 0 }]);
  expect(receiver.received).toEqual([]);
});

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
  await after.arrived(6);
  await node.lanes.settle();
  expect(ascending(numbers(before))).toEqual([0, 1]);
  expect(ascending(numbers(after))).toEqual([2, 3, 4, 5, 6, 7]);
});

test.each([
  ["standard-webhooks", [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]],
  ["copecart", Array(10).fill(1080)],
  ["digistore24", [180, 240, 300, 420, 540, 720, 960, 1260, 1680, 2220, ...Array(10).fill(86_400)]],
] as const)("%s: repeats follow its schedule to the end, and then it has failed", async (schedule, seconds) => {
  vi.spyOn(Math, "random").mockReturnValue(1 - 2 ** -53);
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer(() => ({ status: 500 }));
  await world.address(receiver.url, { types: ["payment.*"], options: { schedule, disable_after_hours: 720 } });
  const node = world.node();
  await node.publish({});
  await node.lanes.settle();
  for (const [index, wait] of seconds.entries()) {
    expect(receiver.received).toHaveLength(index + 1);
    const [delivery] = await world.deliveries();
    expect(delivery).toMatchObject({ state: "due", attempts: index + 1 });
    expect(Math.round((delivery!.due_at - world.now()) / 1000)).toBe(wait);
    world.pass(wait * 1000 - 1000);
    await node.lanes.settle();
    expect(receiver.received).toHaveLength(index + 1);
    world.pass(61_000); // the breaker may be open for a minute
    await node.lanes.settle();
  }
  const count = seconds.length + 1;
  expect(receiver.received).toHaveLength(count);
  expect(await world.deliveries()).toMatchObject([
    { state: "failed", attempts: count, reason: "refused: The address answered 500." },
  ]);
  expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
});

test.each([
  ["so many seconds", "120", 120_000],
  ["a date", new Date(start + 90_000).toUTCString(), 90_000],
  ["a date that is over", new Date(start - 90_000).toUTCString(), 0],
  ["something unreadable", "soon", 0],
  ["longer than six hours", "86400", 6 * hour],
])("Retry-After with %s is kept to, by the whole address", async (_, retryAfter, ms) => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer((_request, index) => (index === 0 ? { status: 429, headers: { "retry-after": retryAfter } } : {}));
  await world.address(receiver.url, { options: { concurrency: 1 } });
  const node = world.node();
  await node.publish({ data: { n: 0 } });
  await node.lanes.settle();
  await node.publish({ data: { n: 1 } });
  if (ms > 0) {
    world.pass(ms - 1);
    await node.lanes.settle();
    expect(receiver.received).toHaveLength(1);
    expect(await world.deliveries()).toMatchObject([
      { state: "due", attempts: 1, reason: expect.stringMatching(/^too_many: /) },
      { state: "due", attempts: 0 },
    ]);
    world.pass(1);
  } else world.pass(1000);
  await node.lanes.settle();
  expect(ascending(numbers(receiver))).toEqual([0, 0, 1]);
});

test("410 switches the address off at once and holds what is due; switched on again it gets all of it", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer(() => ({ status: 410 }));
  const lane = await world.address(receiver.url, { types: ["payment.*"], options: { concurrency: 1 } });
  const node = world.node();
  await node.publish(...numbered(3));
  await node.lanes.settle();
  await node.publish(...numbered(2, {}, 3));
  world.pass(24 * hour);
  await node.lanes.settle();
  expect(receiver.received).toHaveLength(1);
  expect(await world.lane(lane)).toMatchObject({ disabled_at: start, disabled_reason: "gone", node: null });
  expect((await world.deliveries()).map(({ state }) => state)).toEqual(Array(5).fill("due"));
  receiver.answer(() => ({}));
  await world.change(lane, {
    disabled_at: null,
    disabled_reason: null,
    failures: 0,
    failing_since: null,
    told: 0,
    open_until: null,
  });
  await node.lanes.settle();
  expect(ascending(numbers(receiver).slice(1))).toEqual(counted(5));
});

test("the breaker opens after five failures in a row; then one call at a time, ever more rarely", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1 - 2 ** -53);
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer(() => ({ status: 503 }));
  const lane = await world.address(receiver.url, { options: { concurrency: 1 } });
  const node = world.node();
  await node.publish(...numbered(30));
  await node.lanes.settle();
  expect(receiver.received).toHaveLength(5);
  for (const [index, seconds] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
    world.pass(seconds * 1000 - 10);
    await node.lanes.settle();
    expect(receiver.received).toHaveLength(5 + index);
    world.pass(10);
    await node.lanes.settle();
    expect(receiver.received).toHaveLength(6 + index);
  }
  expect(await world.lane(lane)).toMatchObject({ failures: 13, failing_since: start });
});

test("only one call tries whether the address is well again, however many may be under way", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer(() => ({ status: 500 }));
  await world.address(receiver.url, { options: { concurrency: 10 } });
  const node = world.node();
  await node.publish(...numbered(50));
  await node.lanes.settle();
  // Ten were under way when it opened.
  const before = receiver.received.length;
  expect(before).toBeLessThanOrEqual(14);
  const held = gate();
  receiver.answer(async () => {
    await held.opened;
    return {};
  });
  world.pass(1000);
  const settled = node.lanes.settle();
  await receiver.arrived(before + 1);
  await node.publish({ data: { n: 50 } });
  node.lanes.look([]);
  expect(receiver.received).toHaveLength(before + 1);
  held.open();
  await settled;
  expect(new Set(numbers(receiver))).toEqual(new Set(counted(51)));
});

test("an address that is well again gets all that waits at once, at no more than its rate, and nothing twice", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1 - 2 ** -53);
  const world = await openWorld();
  const receiver = await startReceiver();
  let well = false;
  receiver.answer(() => (well ? {} : { status: 500 }));
  const lane = await world.address(receiver.url, { options: { concurrency: 10, rate: 200 } });
  const node = world.node();
  await node.publish(...numbered(60));
  await node.lanes.settle();
  for (let n = 0; n < 10; n++) {
    world.pass(60_000);
    await node.lanes.settle();
  }
  const failed = receiver.received.length;
  expect(failed).toBeGreaterThan(10);
  well = true;
  world.pass(60_000);
  const from = performance.now();
  await node.lanes.settle();
  // 60 at 200/s, of which ten may go at once: never faster, however slow the machine.
  expect(performance.now() - from).toBeGreaterThanOrEqual(((60 - 1 - 10) * 1000) / 200);
  expect(ascending(numbers(receiver).slice(failed))).toEqual(counted(60));
  expect((await world.deliveries()).every(({ state }) => state === "sent")).toBe(true);
  expect(await world.lane(lane)).toMatchObject({ failures: 0, failing_since: null, open_until: null });
});

test("well again, more than a thousand that failed go out at once", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer(() => ({ status: 500 }));
  const lane = await world.address(receiver.url, { options: { concurrency: 100 } });
  const node = world.node();
  await node.publish(...numbered(1200));
  await world.sql("update delivery set attempts = 3, due_at = $2 where lane_id = $1", [
    lane,
    new Date(start + 5 * hour),
  ]);
  await world.sql("update lane set failures = 9, failing_since = $2, open_until = $2 where id = $1", [
    lane,
    new Date(start),
  ]);
  receiver.answer(() => ({}));
  await node.publish({ data: { n: 1200 } });
  await node.lanes.settle();
  expect(ascending(numbers(receiver))).toEqual(counted(1201));
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
  node.lanes.look([lane]);
  await until(async () => (await node.pool.query("select 1")).rowCount === 1);
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

test("the rate holds over a hand-over from one node to another", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const arrivals: number[] = [];
  receiver.answer(() => {
    arrivals.push(performance.now());
    return {};
  });
  await world.address(receiver.url, { options: { rate: 4 } });
  for (let n = 0; n < 4; n++) {
    const node = world.node();
    await node.publish({ data: { n } });
    await node.lanes.settle();
    await node.stop();
  }
  const gaps = arrivals.slice(1).map((at, index) => at - arrivals[index]!);
  // The call before was over when the next one's wait began.
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(245);
});

test("an ordered address gets each order's events one after the other, and no order waits for another", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const held = gate();
  receiver.answer(async (request) => {
    if (request.body.includes('"n":0}')) {
      await held.opened;
      return { status: 500 };
    }
    return {};
  });
  await world.address(receiver.url, { ordered: true });
  const node = world.node();
  await node.lanes.start();
  const event = (orderKey: string | null, n: number) => ({ orderKey, data: { n } });
  await node.publish(event("A", 0), event("B", 1), event("A", 2), event("B", 3), event(null, 4), event("B", 5));
  await node.publish(event("A", 6), event("C", 7));
  await receiver.arrived(6);
  expect(numbers(receiver).filter((n) => [1, 3, 5].includes(n))).toEqual([1, 3, 5]);
  expect(ascending(numbers(receiver))).toEqual([0, 1, 3, 4, 5, 7]);
  held.open();
  await node.lanes.settle();
  expect(receiver.received).toHaveLength(6);
  receiver.answer(() => ({}));
  world.pass(5000);
  await node.lanes.settle();
  expect(numbers(receiver).slice(6)).toEqual([0, 2, 6]);
});

test("order is kept under failures, repeats and restarts", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const accepted: { orderKey: string; step: number }[] = [];
  let dice = 7;
  const random = () => (dice = (dice * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  receiver.answer(({ body }) => {
    if (random() < 0.3) return random() < 0.5 ? { status: 500 } : "break";
    accepted.push((JSON.parse(body) as { data: { orderKey: string; step: number } }).data);
    return {};
  });
  await world.address(receiver.url, { ordered: true, options: { disable_after_hours: 720 } });
  const orders = ["A", "B", "C", "D", "E"];
  const steps = counted(8);
  for (const step of steps) {
    const node = world.node();
    await node.publish(...orders.map((orderKey) => ({ orderKey, data: { orderKey, step } })));
    if (step % 2 === 0) await node.lanes.settle();
    await node.stop();
  }
  const node = world.node();
  for (let n = 0; n < 60 && accepted.length < 40; n++) {
    await node.lanes.settle();
    world.pass(24 * hour);
  }
  for (const orderKey of orders) {
    expect(accepted.filter((one) => one.orderKey === orderKey).map(({ step }) => step)).toEqual(steps);
  }
});

test("an order whose event has failed for good goes on with the next", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  await world.address(receiver.url, { ordered: true });
  const node = world.node();
  await node.publish({ orderKey: "A", data: { n: 0 } }, { orderKey: "A", data: { n: 1 } });
  const [first] = await world.deliveries();
  await world.sql("update delivery set attempts = 9 where id = $1", [first?.id]);
  receiver.answer((_, index) => (index === 0 ? { status: 500 } : {}));
  await node.lanes.settle();
  expect(numbers(receiver)).toEqual([0, 1]);
  expect((await world.deliveries()).map(({ state }) => state)).toEqual(["failed", "sent"]);
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

test("a secret that cannot sign is an attempt with a reason, and holds up nobody else", async () => {
  const world = await openWorld();
  const [fine, spoilt] = [await startReceiver(), await startReceiver()];
  await world.address(fine.url);
  const lane = await world.address(spoilt.url, { secrets: [{ secret: "whsec_***" }] });
  const unsigned = await world.address(spoilt.url, { secrets: [{ secret, expiresAt: start }] });
  const node = world.node();
  await node.publish(...numbered(3));
  await node.lanes.settle();
  expect(fine.received).toHaveLength(3);
  expect(spoilt.received).toEqual([]);
  for (const delivery of await world.deliveries(lane))
    expect(delivery).toMatchObject({ state: "due", attempts: 1, reason: expect.stringMatching(/^not_renderable: /) });
  for (const delivery of await world.deliveries(unsigned))
    expect(delivery).toMatchObject({ state: "due", attempts: 1, reason: expect.stringMatching(/^secret_missing: /) });
  // That is no fault of the address's.
  expect(await world.lane(lane)).toMatchObject({ failures: 0, failing_since: null, disabled_at: null });
});

test("an address sealed under another master key is tried again, and reached once the right key is back", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  await world.address(receiver.url);
  const wrong = world.node({ seal: createSeal(Buffer.alloc(32, 8)) });
  await wrong.publish({});
  await wrong.lanes.settle();
  expect(await world.deliveries()).toMatchObject([
    { state: "due", attempts: 1, reason: expect.stringMatching(/^content_unreadable: /) },
  ]);
  expect(wrong.said.join("")).not.toContain("whsec_");
  world.pass(minute);
  await world.node().lanes.settle();
  expect(receiver.received).toHaveLength(1);
  expect(await world.deliveries()).toMatchObject([{ state: "sent", attempts: 2, reason: null }]);
});

test("results that the store does not take are kept and written later, and nothing answered is sent again", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const held = gate();
  receiver.answer(async (_, index) => {
    if (index < 10) await held.opened;
    return {};
  });
  await world.address(receiver.url);
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
  await after.arrived(6);
  await node.lanes.settle();
  expect(ascending(numbers(before))).toEqual([0, 1]);
  expect(ascending(numbers(after))).toEqual([2, 3, 4, 5, 6, 7]);
});

test.each([
  ["standard-webhooks", [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]],
  ["copecart", Array(10).fill(1080)],
  ["digistore24", [180, 240, 300, 420, 540, 720, 960, 1260, 1680, 2220, ...Array(10).fill(86_400)]],
] as const)("%s: repeats follow its schedule to the end, and then it has failed", async (schedule, seconds) => {
  vi.spyOn(Math, "random").mockReturnValue(1 - 2 ** -53);
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer(() => ({ status: 500 }));
  await world.address(receiver.url, { types: ["payment.*"], options: { schedule, disable_after_hours: 720 } });
  const node = world.node();
  await node.publish({});
  await node.lanes.settle();
  for (const [index, wait] of seconds.entries()) {
    expect(receiver.received).toHaveLength(index + 1);
    const [delivery] = await world.deliveries();
    expect(delivery).toMatchObject({ state: "due", attempts: index + 1 });
    expect(Math.round((delivery!.due_at - world.now()) / 1000)).toBe(wait);
    world.pass(wait * 1000 - 1000);
    await node.lanes.settle();
    expect(receiver.received).toHaveLength(index + 1);
    world.pass(61_000); // the breaker may be open for a minute
    await node.lanes.settle();
  }
  const count = seconds.length + 1;
  expect(receiver.received).toHaveLength(count);
  expect(await world.deliveries()).toMatchObject([
    { state: "failed", attempts: count, reason: "refused: The address answered 500." },
  ]);
  expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
});

test.each([
  ["so many seconds", "120", 120_000],
  ["a date", new Date(start + 90_000).toUTCString(), 90_000],
  ["a date that is over", new Date(start - 90_000).toUTCString(), 0],
  ["something unreadable", "soon", 0],
  ["longer than six hours", "86400", 6 * hour],
])("Retry-After with %s is kept to, by the whole address", async (_, retryAfter, ms) => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer((_request, index) => (index === 0 ? { status: 429, headers: { "retry-after": retryAfter } } : {}));
  await world.address(receiver.url, { options: { concurrency: 1 } });
  const node = world.node();
  await node.publish({ data: { n: 0 } });
  await node.lanes.settle();
  await node.publish({ data: { n: 1 } });
  if (ms > 0) {
    world.pass(ms - 1);
    await node.lanes.settle();
    expect(receiver.received).toHaveLength(1);
    expect(await world.deliveries()).toMatchObject([
      { state: "due", attempts: 1, reason: expect.stringMatching(/^too_many: /) },
      { state: "due", attempts: 0 },
    ]);
    world.pass(1);
  } else world.pass(1000);
  await node.lanes.settle();
  expect(ascending(numbers(receiver))).toEqual([0, 0, 1]);
});

test("410 switches the address off at once and holds what is due; switched on again it gets all of it", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer(() => ({ status: 410 }));
  const lane = await world.address(receiver.url, { types: ["payment.*"], options: { concurrency: 1 } });
  const node = world.node();
  await node.publish(...numbered(3));
  await node.lanes.settle();
  await node.publish(...numbered(2, {}, 3));
  world.pass(24 * hour);
  await node.lanes.settle();
  expect(receiver.received).toHaveLength(1);
  expect(await world.lane(lane)).toMatchObject({ disabled_at: start, disabled_reason: "gone", node: null });
  expect((await world.deliveries()).map(({ state }) => state)).toEqual(Array(5).fill("due"));
  receiver.answer(() => ({}));
  await world.change(lane, {
    disabled_at: null,
    disabled_reason: null,
    failures: 0,
    failing_since: null,
    told: 0,
    open_until: null,
  });
  await node.lanes.settle();
  expect(ascending(numbers(receiver).slice(1))).toEqual(counted(5));
});

test("the breaker opens after five failures in a row; then one call at a time, ever more rarely", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1 - 2 ** -53);
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer(() => ({ status: 503 }));
  const lane = await world.address(receiver.url, { options: { concurrency: 1 } });
  const node = world.node();
  await node.publish(...numbered(30));
  await node.lanes.settle();
  expect(receiver.received).toHaveLength(5);
  for (const [index, seconds] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
    world.pass(seconds * 1000 - 10);
    await node.lanes.settle();
    expect(receiver.received).toHaveLength(5 + index);
    world.pass(10);
    await node.lanes.settle();
    expect(receiver.received).toHaveLength(6 + index);
  }
  expect(await world.lane(lane)).toMatchObject({ failures: 13, failing_since: start });
});

test("only one call tries whether the address is well again, however many may be under way", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer(() => ({ status: 500 }));
  await world.address(receiver.url, { options: { concurrency: 10 } });
  const node = world.node();
  await node.publish(...numbered(50));
  await node.lanes.settle();
  // Ten were under way when it opened.
  const before = receiver.received.length;
  expect(before).toBeLessThanOrEqual(14);
  const held = gate();
  receiver.answer(async () => {
    await held.opened;
    return {};
  });
  world.pass(1000);
  const settled = node.lanes.settle();
  await receiver.arrived(before + 1);
  await node.publish({ data: { n: 50 } });
  node.lanes.look([]);
  expect(receiver.received).toHaveLength(before + 1);
  held.open();
  await settled;
  expect(new Set(numbers(receiver))).toEqual(new Set(counted(51)));
});

test("an address that is well again gets all that waits at once, at no more than its rate, and nothing twice", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1 - 2 ** -53);
  const world = await openWorld();
  const receiver = await startReceiver();
  let well = false;
  receiver.answer(() => (well ? {} : { status: 500 }));
  const lane = await world.address(receiver.url, { options: { concurrency: 10, rate: 200 } });
  const node = world.node();
  await node.publish(...numbered(60));
  await node.lanes.settle();
  for (let n = 0; n < 10; n++) {
    world.pass(60_000);
    await node.lanes.settle();
  }
  const failed = receiver.received.length;
  expect(failed).toBeGreaterThan(10);
  well = true;
  world.pass(60_000);
  const from = performance.now();
  await node.lanes.settle();
  // 60 at 200/s, of which ten may go at once: never faster, however slow the machine.
  expect(performance.now() - from).toBeGreaterThanOrEqual(((60 - 1 - 10) * 1000) / 200);
  expect(ascending(numbers(receiver).slice(failed))).toEqual(counted(60));
  expect((await world.deliveries()).every(({ state }) => state === "sent")).toBe(true);
  expect(await world.lane(lane)).toMatchObject({ failures: 0, failing_since: null, open_until: null });
});

test("well again, more than a thousand that failed go out at once", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer(() => ({ status: 500 }));
  const lane = await world.address(receiver.url, { options: { concurrency: 100 } });
  const node = world.node();
  await node.publish(...numbered(1200));
  await world.sql("update delivery set attempts = 3, due_at = $2 where lane_id = $1", [
    lane,
    new Date(start + 5 * hour),
  ]);
  await world.sql("update lane set failures = 9, failing_since = $2, open_until = $2 where id = $1", [
    lane,
    new Date(start),
  ]);
  receiver.answer(() => ({}));
  await node.publish({ data: { n: 1200 } });
  await node.lanes.settle();
  expect(ascending(numbers(receiver))).toEqual(counted(1201));
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
  node.lanes.look([lane]);
  await until(async () => (await node.pool.query("select 1")).rowCount === 1);
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

test("the rate holds over a hand-over from one node to another", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const arrivals: number[] = [];
  receiver.answer(() => {
    arrivals.push(performance.now());
    return {};
  });
  await world.address(receiver.url, { options: { rate: 4 } });
  for (let n = 0; n < 4; n++) {
    const node = world.node();
    await node.publish({ data: { n } });
    await node.lanes.settle();
    await node.stop();
  }
  const gaps = arrivals.slice(1).map((at, index) => at - arrivals[index]!);
  // The call before was over when the next one's wait began.
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(245);
});

test("an ordered address gets each order's events one after the other, and no order waits for another", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const held = gate();
  receiver.answer(async (request) => {
    if (request.body.includes('"n":0}')) {
      await held.opened;
      return { status: 500 };
    }
    return {};
  });
  await world.address(receiver.url, { ordered: true });
  const node = world.node();
  await node.lanes.start();
  const event = (orderKey: string | null, n: number) => ({ orderKey, data: { n } });
  await node.publish(event("A", 0), event("B", 1), event("A", 2), event("B", 3), event(null, 4), event("B", 5));
  await node.publish(event("A", 6), event("C", 7));
  await receiver.arrived(6);
  expect(numbers(receiver).filter((n) => [1, 3, 5].includes(n))).toEqual([1, 3, 5]);
  expect(ascending(numbers(receiver))).toEqual([0, 1, 3, 4, 5, 7]);
  held.open();
  await node.lanes.settle();
  expect(receiver.received).toHaveLength(6);
  receiver.answer(() => ({}));
  world.pass(5000);
  await node.lanes.settle();
  expect(numbers(receiver).slice(6)).toEqual([0, 2, 6]);
});

test("order is kept under failures, repeats and restarts", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const accepted: { orderKey: string; step: number }[] = [];
  let dice = 7;
  const random = () => (dice = (dice * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  receiver.answer(({ body }) => {
    if (random() < 0.3) return random() < 0.5 ? { status: 500 } : "break";
    accepted.push((JSON.parse(body) as { data: { orderKey: string; step: number } }).data);
    return {};
  });
  await world.address(receiver.url, { ordered: true, options: { disable_after_hours: 720 } });
  const orders = ["A", "B", "C", "D", "E"];
  const steps = counted(8);
  for (const step of steps) {
    const node = world.node();
    await node.publish(...orders.map((orderKey) => ({ orderKey, data: { orderKey, step } })));
    if (step % 2 === 0) await node.lanes.settle();
    await node.stop();
  }
  const node = world.node();
  for (let n = 0; n < 60 && accepted.length < 40; n++) {
    await node.lanes.settle();
    world.pass(24 * hour);
  }
  for (const orderKey of orders) {
    expect(accepted.filter((one) => one.orderKey === orderKey).map(({ step }) => step)).toEqual(steps);
  }
});

test("an order whose event has failed for good goes on with the next", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  await world.address(receiver.url, { ordered: true });
  const node = world.node();
  await node.publish({ orderKey: "A", data: { n: 0 } }, { orderKey: "A", data: { n: 1 } });
  const [first] = await world.deliveries();
  await world.sql("update delivery set attempts = 9 where id = $1", [first?.id]);
  receiver.answer((_, index) => (index === 0 ? { status: 500 } : {}));
  await node.lanes.settle();
  expect(numbers(receiver)).toEqual([0, 1]);
  expect((await world.deliveries()).map(({ state }) => state)).toEqual(["failed", "sent"]);
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

test("a secret that cannot sign is an attempt with a reason, and holds up nobody else", async () => {
  const world = await openWorld();
  const [fine, spoilt] = [await startReceiver(), await startReceiver()];
  await world.address(fine.url);
  const lane = await world.address(spoilt.url, { secrets: [{ secret: "whsec_***" }] });
  const unsigned = await world.address(spoilt.url, { secrets: [{ secret, expiresAt: start }] });
  const node = world.node();
  await node.publish(...numbered(3));
  await node.lanes.settle();
  expect(fine.received).toHaveLength(3);
  expect(spoilt.received).toEqual([]);
  for (const delivery of await world.deliveries(lane))
    expect(delivery).toMatchObject({ state: "due", attempts: 1, reason: expect.stringMatching(/^not_renderable: /) });
  for (const delivery of await world.deliveries(unsigned))
    expect(delivery).toMatchObject({ state: "due", attempts: 1, reason: expect.stringMatching(/^secret_missing: /) });
  // That is no fault of the address's.
  expect(await world.lane(lane)).toMatchObject({ failures: 0, failing_since: null, disabled_at: null });
});

test("an address sealed under another master key is tried again, and reached once the right key is back", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  await world.address(receiver.url);
  const wrong = world.node({ seal: createSeal(Buffer.alloc(32, 8)) });
  await wrong.publish({});
  await wrong.lanes.settle();
  expect(await world.deliveries()).toMatchObject([
    { state: "due", attempts: 1, reason: expect.stringMatching(/^content_unreadable: /) },
  ]);
  expect(wrong.said.join("")).not.toContain("whsec_");
  world.pass(minute);
  await world.node().lanes.settle();
  expect(receiver.received).toHaveLength(1);
  expect(await world.deliveries()).toMatchObject([{ state: "sent", attempts: 2, reason: null }]);
});

test("results that the store does not take are kept and written later, and nothing answered is sent again", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  const held = gate();
  receiver.answer(async (_, index) => {
    if (index < 10) await held.opened;
    return {};
  });
  await world.address(receiver.url);
  const node = world.node();
  await node.lanes.start();
  await node.publish(...numbered(30));
  await receiver.arrived(10);
  const blocker = await world.pool.connect();
  await blocker.query("begin");
  const { rows } = await blocker.query<{ pid: number }>("select pg_backend_pid() as pid");
  await blocker.query("lock table attempt in access exclusive mode");
  held.open();
  await until(
    async () =>
      (await cutStore(world, rows[0]?.pid)) > 0 && node.said.some((line) => line.includes("wait for the store")),
  );
  expect((await world.deliveries()).every(({ state }) => state === "due")).toBe(true);
  await blocker.query("rollback");
  blocker.release();
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
});

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
