import { createHmac } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { createSeal } from "../db/seal.ts";
import { randomFrom } from "../simulate/random.ts";
import { startReceiver } from "../testing/receiver.ts";
import {
  ascending,
  counted,
  gate,
  hour,
  minute,
  numbered,
  numbers,
  openWorld,
  secret,
  start,
  until,
  type World,
} from "../testing/sending.ts";
import { createLane } from "./lane.ts";
import type { LaneRow } from "./lane-rows.ts";
import type { AttemptRecord, Duty, Outcome } from "./outcome.ts";
import type { Result } from "./results.ts";
import { createTurn } from "./turn.ts";

afterEach(() => void vi.restoreAllMocks());

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

test("an event that an address refuses while it takes the others keeps to its schedule", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1 - 2 ** -53);
  const world = await openWorld();
  const receiver = await startReceiver();
  receiver.answer(({ body }) => (body.includes('"n":0}') ? { status: 500 } : {}));
  await world.address(receiver.url, { options: { concurrency: 1 } });
  const node = world.node();
  for (let n = 0; n < 10; n++) {
    await node.publish({ data: { n } });
    await node.lanes.settle();
    world.pass(400);
  }
  expect(numbers(receiver)).toEqual(counted(10));
  world.pass(1000);
  await node.lanes.settle();
  expect(numbers(receiver)).toEqual([...counted(10), 0]);
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
  const random = randomFrom(7);
  receiver.answer(({ body }) => {
    if (random.next() < 0.3) return random.next() < 0.5 ? { status: 500 } : "break";
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

/** A lane over a store of the test's own: what is due in it, and what was written to it. */
function alone(options: { readonly ordered?: boolean; readonly concurrency?: number } = {}) {
  const due: Duty[] = [];
  const written: Result[] = [];
  const brought: string[] = [];
  const logged: unknown[] = [];
  const store = {
    due,
    written,
    brought,
    logged,
    read: async (limit: number): Promise<Duty[]> => due.slice(0, limit),
    write: async (result: Result): Promise<void> => void written.push(result),
    deliver: async (duty: Duty): Promise<Outcome> => ({
      state: "sent",
      address: "good",
      attempt: { ...attempt, totalMs: duty.attempts },
    }),
    duty: (n: number, attempts = 0): Duty => ({
      what: "event",
      accountId: "account",
      laneId: "lane",
      id: `d${n}`,
      expiresAt: start + hour,
      attempts,
      attemptsBefore: 0,
      orderKey: null,
      event: { id: `e${n}`, type: "payment.made", at: start, test: false, data: "{}" },
    }),
  };
  const row: LaneRow = {
    account_id: "account",
    id: "lane",
    transport: "http",
    version: 1,
    failures: 0,
    failing_since: null,
    open_until: null,
    told: 0,
    called_at: null,
    address: null,
  };
  const nothing = async () => undefined;
  const lane = createLane(
    row,
    { schedule: "standard-webhooks", concurrency: options.concurrency ?? 10, rate: undefined },
    {
      deliver(duty) {
        brought.push(duty.id);
        return store.deliver(duty);
      },
      close: () => undefined,
    },
    {
      clock: () => start,
      random: () => 0.5,
      mayBegin: () => true,
      readDue: (_, limit) => store.read(limit),
      readNext: async () => [],
      write: (result) => store.write(result),
      healed: nothing,
      failing: nothing,
      turn: createTurn(100),
      log: (error) => logged.push(error),
    },
  );
  return { lane, store };
}

const attempt: AttemptRecord = {
  at: start,
  dnsMs: null,
  connectMs: null,
  tlsMs: null,
  firstByteMs: null,
  totalMs: 1,
  status: 200,
  code: null,
  sentence: null,
  answer: null,
};

test("what was read before its result was written is not brought again; what is due anew is", async () => {
  const { lane, store } = alone();
  const late = gate();
  store.due.push(store.duty(1));
  lane.look();
  await lane.idle();
  // The read began when it was still due, and ends after it was written.
  store.read = async () => {
    await late.opened;
    return [store.duty(1)];
  };
  lane.look();
  late.open();
  await lane.idle();
  expect(store.brought).toEqual(["d1"]);
  store.read = async () => [store.duty(1, 1)];
  lane.look();
  await lane.idle();
  expect(store.brought).toEqual(["d1", "d1"]);
});

test("offered and read at the same time, it is brought once", async () => {
  const { lane, store } = alone();
  lane.look();
  await lane.idle();
  const late = gate();
  store.read = async () => {
    await late.opened;
    return [store.duty(1), store.duty(2)];
  };
  lane.look();
  lane.offer([store.duty(2), store.duty(1)]);
  late.open();
  await lane.idle();
  lane.offer([store.duty(1)]);
  await lane.idle();
  expect(store.brought.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(["d1", "d2"]);
});

test("until a result is written nothing of it is brought again, and neither idle nor close resolves", async () => {
  const { lane, store } = alone();
  const held = gate();
  store.write = () => held.opened;
  store.due.push(store.duty(1));
  const over: string[] = [];
  lane.look();
  void lane.idle().then(() => over.push("idle"));
  await until(() => store.brought.length === 1);
  lane.look();
  void lane.close().then(() => over.push("closed"));
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect(store.brought).toEqual(["d1"]);
  expect(over).toEqual([]);
  held.open();
  await until(() => over.length === 2);
});

test("closed, it begins nothing more: neither what it knew nor what it is offered", async () => {
  const { lane, store } = alone({ concurrency: 1 });
  const held = gate();
  store.deliver = async () => {
    await held.opened;
    return { state: "sent", address: "good", attempt };
  };
  store.due.push(store.duty(1), store.duty(2));
  lane.look();
  await until(() => store.brought.length === 1);
  const closed = lane.close();
  lane.offer([store.duty(3)]);
  lane.look();
  held.open();
  await closed;
  expect(store.brought).toEqual(["d1"]);
});

test("a carrier that throws is an attempt with a reason, and the rest goes on", async () => {
  const { lane, store } = alone({ concurrency: 1 });
  store.deliver = async ({ id }) => {
    if (id === "d1") throw new Error("broken");
    return { state: "sent", address: "good", attempt };
  };
  store.due.push(store.duty(1), store.duty(2));
  lane.look();
  await lane.idle();
  expect(store.written.map(({ state, reason }) => [state, reason])).toEqual([
    ["due", "send_failed: It could not be sent because of a fault of ours."],
    ["sent", null],
  ]);
  expect(store.logged).toHaveLength(1);
});

test("when the store cannot be read it is asked again", async () => {
  const { lane, store } = alone();
  let reads = 0;
  store.read = async () => {
    if (++reads === 1) throw Object.assign(new Error("gone"), { code: "57P01" });
    return reads === 2 ? [store.duty(1)] : [];
  };
  lane.look();
  await lane.idle();
  expect(store.brought).toEqual(["d1"]);
  expect(store.logged).toEqual([]);
});

test("memory holds a thousand; what is offered beyond that is read from the store, and nothing is brought twice", async () => {
  const { lane, store } = alone({ concurrency: 1 });
  lane.look();
  await lane.idle();
  const held = gate();
  store.deliver = async ({ id }) => {
    await held.opened;
    store.due.splice(
      store.due.findIndex((duty) => duty.id === id),
      1,
    );
    return { state: "sent", address: "good", attempt };
  };
  const all = counted(1300).map((n) => store.duty(n));
  store.due.push(...all);
  let mostAsked = 0;
  const read = store.read;
  store.read = (limit) => {
    mostAsked = Math.max(mostAsked, limit);
    return read(limit);
  };
  for (const duty of all) lane.offer([duty]);
  held.open();
  await lane.idle();
  expect(store.brought).toEqual(all.map(({ id }) => id));
  expect(mostAsked).toBeLessThan(300);
});
