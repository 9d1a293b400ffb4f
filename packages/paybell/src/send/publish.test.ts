import { expect, test } from "vitest";
import { startReceiver } from "../testing/receiver.ts";
import { day, type Node, openWorld, start, until, type World } from "../testing/sending.ts";
import type { Published, Publishing } from "./publish.ts";
import { dropExpired } from "./retention.ts";

const at = (text: string) => Date.parse(text);

/** The id a publishing was answered with. */
function idOf(published: Published | undefined): string {
  if (!published?.ok) throw new Error("It was not published.");
  return published.eventId;
}

async function one(node: Node, event: Partial<Publishing>): Promise<Published> {
  const [published] = await node.publish(event);
  if (!published) throw new Error("Nothing was answered.");
  return published;
}

async function count(world: World, table: "event" | "delivery" | "publication"): Promise<number> {
  const rows = await world.sql(`select 1 from ${table} where account_id = $1`, [world.accountId]);
  return rows.length;
}

test("what is published at once shares commits, and each is answered with its own", async () => {
  const world = await openWorld();
  const node = world.node();
  const published = await Promise.all(
    Array.from({ length: 200 }, (_, n) => node.publish({ data: { n: 2 * n } }, { data: { n: 2 * n + 1 } })),
  );
  const rows = await world.sql<{ id: string; data: { n: number }; txid: string }>(
    "select id, data, txid::text from event where account_id = $1",
    [world.accountId],
  );
  const numberOf = new Map(rows.map((row) => [row.id, row.data.n]));
  expect(published.flat().map((each) => numberOf.get(idOf(each)))).toEqual(Array.from({ length: 400 }, (_, n) => n));
  expect(new Set(rows.map((row) => row.txid)).size).toBeLessThanOrEqual(4);
});

test("events and their deliveries are one commit, and the answer comes after it", async () => {
  const world = await openWorld();
  await world.address("http://127.0.0.1:9");
  await world.address("http://127.0.0.1:9");
  const node = world.node();
  const id = idOf(await one(node, {}));
  expect(await world.deliveries()).toMatchObject([
    { event_id: id, state: "due", due_at: start },
    { event_id: id, state: "due", due_at: start },
  ]);
  const rows = await world.sql(
    "select distinct x from (select xmin::text as x from event where id = $1 union select xmin::text from delivery where event_id = $1) s",
    [id],
  );
  expect(rows).toHaveLength(1);
});

test("a thousand in one call are answered in their order; more than that share no commit", async () => {
  const world = await openWorld();
  const node = world.node();
  const call = (from: number) => node.publish(...Array.from({ length: 1000 }, (_, n) => ({ key: `${from + n}` })));
  const [first, second] = await Promise.all([call(0), call(1000)]);
  const ids = [...first, ...second].map(idOf);
  expect(new Set(ids).size).toBe(2000);
  const rows = await world.sql<{ key: string; event_id: string }>(
    "select key, event_id from publication where account_id = $1",
    [world.accountId],
  );
  expect(new Map(rows.map(({ key, event_id }) => [key, event_id]))).toEqual(
    new Map(ids.map((id, index) => [`${index}`, id])),
  );
});

test("nothing published is nothing answered", async () => {
  const world = await openWorld();
  expect(await world.node().publish()).toEqual([]);
});

test("published again under its key, an event is answered with the same and sent once", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  await world.address(receiver.url);
  const node = world.node();
  const first = await one(node, { key: "k" });
  expect(first).toMatchObject({ ok: true, repeated: false });
  const again = { ok: true, eventId: idOf(first), repeated: true };
  expect(await one(node, { key: "k" })).toEqual(again);
  world.pass(30 * day);
  expect(await one(world.node(), { key: "k" })).toEqual(again);
  await node.lanes.settle();
  expect(receiver.received).toHaveLength(1);
  expect(await count(world, "event")).toBe(1);
});

test("copies within one call, and within one commit, are one", async () => {
  const world = await openWorld();
  const node = world.node();
  const published = await node.publish({ key: "k" }, { key: "other" }, { key: "k" });
  const shared = await Promise.all(Array.from({ length: 20 }, () => one(node, { key: "shared" })));
  expect(published.map((each) => each.ok && each.repeated)).toEqual([false, false, true]);
  expect(idOf(published[0])).toBe(idOf(published[2]));
  expect(new Set(shared.map(idOf)).size).toBe(1);
  expect(shared.filter((each) => each.ok && !each.repeated)).toHaveLength(1);
  expect(await count(world, "event")).toBe(3);
});

test("published on three nodes at once under the same keys, in any order, each event is there once", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  await world.address(receiver.url);
  const nodes = [world.node(), world.node(), world.node()];
  const keys = Array.from({ length: 40 }, (_, n) => `key-${n}`);
  const answers = await Promise.all(
    nodes.flatMap((node, index) => {
      const turned = keys.map((_, n) => keys[(n * 7 + index * 13) % keys.length]!);
      return [
        Promise.all(turned.map(async (key) => [key, await one(node, { key })] as const)),
        node
          .publish(...turned.map((key) => ({ key })))
          .then((all) => all.map((each, n) => [turned[n]!, each] as const)),
      ];
    }),
  );
  for (const key of keys) {
    const ofKey = answers.flat().filter(([name]) => name === key);
    expect(new Set(ofKey.map(([, published]) => idOf(published))).size).toBe(1);
    expect(ofKey.filter(([, published]) => published.ok && !published.repeated)).toHaveLength(1);
  }
  await Promise.all(nodes.map((node) => node.lanes.settle()));
  expect(receiver.received).toHaveLength(40);
});

test("a key is the account's and the mode's", async () => {
  const world = await openWorld();
  const node = world.node();
  const other = await world.account();
  const published = await node.publish({ key: "k" }, { key: "k", mode: "test" }, { key: "k", accountId: other });
  expect(published.every((each) => each.ok && !each.repeated)).toBe(true);
  expect(new Set(published.map(idOf)).size).toBe(3);
});

test("another event under a known key is refused, and changes nothing", async () => {
  const world = await openWorld();
  const node = world.node();
  const first = await one(node, { key: "k", data: { minor: 100 } });
  const refused = { ok: false, code: "idempotency_key_reused" };
  expect(await one(node, { key: "k", data: { minor: 101 } })).toEqual(refused);
  expect(await one(node, { key: "k", type: "payment.refunded", data: { minor: 100 } })).toEqual(refused);
  expect(await node.publish({ key: "k", data: { minor: 100 } }, { key: "k", data: { minor: 102 } })).toEqual([
    { ok: true, eventId: idOf(first), repeated: true },
    refused,
  ]);
  expect(await node.publish({ key: "l", data: { minor: 1 } }, { key: "l", data: { minor: 2 } })).toMatchObject([
    { ok: true, repeated: false },
    refused,
  ]);
  expect(await count(world, "event")).toBe(2);
});

test.each([
  ["2026-01-31T23:59:59.999Z", "2026-02-01T00:00:00.001Z"],
  ["2027-01-31T12:00:00Z", "2027-03-01T23:00:00Z"], // no leap year: 29 days and a half
  ["2026-12-31T23:59:00Z", "2027-01-30T23:59:00Z"],
  ["2026-08-01T00:00:00Z", "2026-08-31T00:00:00Z"],
])("a key of %s is known at %s", async (first, later) => {
  const world = await openWorld();
  const node = world.node();
  world.set(at(first));
  const id = idOf(await one(node, { key: "k" }));
  world.set(at(later));
  await dropExpired(world.pool, world.now());
  expect(await one(node, { key: "k" })).toEqual({ ok: true, eventId: id, repeated: true });
});

test("where two months meet, nodes whose clocks differ store each event once", async () => {
  const world = await openWorld();
  const before = world.node({ clock: () => at("2026-04-30T23:59:59Z") });
  const after = world.node({ clock: () => at("2026-05-01T00:00:01Z") });
  const keys = Array.from({ length: 25 }, (_, n) => `turn-${n}`);
  const answers = await Promise.all([
    ...keys.map((key) => one(before, { key })),
    ...keys.map((key) => one(after, { key })),
  ]);
  for (const [n] of keys.entries()) expect(idOf(answers[n])).toBe(idOf(answers[keys.length + n]));
  // The one whose clock is behind comes later, too.
  const id = idOf(await one(after, { key: "late" }));
  expect(await one(before, { key: "late" })).toEqual({ ok: true, eventId: id, repeated: true });
});

test("when the store fails, publishing rejects and leaves nothing; published again, it is there once", async () => {
  const world = await openWorld();
  await world.address("http://127.0.0.1:9");
  const node = world.node();
  await one(node, {}); // what has to be there once is there
  let publishing: Promise<PromiseSettledResult<Published>[]> | undefined;
  await world.whileLocked("event", async () => {
    let over = false;
    publishing = Promise.allSettled(["a", "b", "c"].map((key) => one(node, { key })));
    void publishing.then(() => (over = true));
    await until(async () => {
      await world.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      return over;
    });
  });
  expect((await publishing)?.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(await Promise.all([count(world, "event"), count(world, "delivery"), count(world, "publication")])).toEqual([
    1, 1, 0,
  ]);
  expect(await node.publish({ key: "a" }, { key: "b" }, { key: "c" })).toMatchObject(
    Array.from({ length: 3 }, () => ({ ok: true, repeated: false })),
  );
  expect(await count(world, "delivery")).toBe(4);
});

test("one that cannot be stored rejects alone: those that share its commit are stored", async () => {
  const world = await openWorld();
  const node = world.node();
  const all = await Promise.allSettled([
    ...Array.from({ length: 5 }, (_, n) => one(node, { key: `${n}` })),
    one(node, { key: "bad\0key" }),
    one(node, { accountId: "00000000-0000-7000-8000-000000000000" }),
    ...Array.from({ length: 5 }, (_, n) => one(node, { key: `${5 + n}` })),
  ]);
  expect(all.map(({ status }) => status)).toEqual([
    ...Array(5).fill("fulfilled"),
    "rejected",
    "rejected",
    ...Array(5).fill("fulfilled"),
  ]);
  expect(await count(world, "event")).toBe(10);
});

test("a text the store could not look into is mended, and its event reaches the address", async () => {
  const world = await openWorld();
  const receiver = await startReceiver();
  await world.address(receiver.url, { products: ["p"] });
  const node = world.node();
  await node.publish({ data: { product: { id: "p", name: "a\0b\ud800c" }, "\0": "\udfff" } });
  await node.lanes.settle();
  expect(receiver.messages()).toMatchObject([{ data: { product: { id: "p", name: "ab\u{fffd}c" } } }]);
});

test("every account's events live as long as it says", async () => {
  const world = await openWorld();
  const short = await world.account({ retention_days: 30 });
  const long = await world.account({ retention_days: 400 });
  for (const accountId of [short, long, world.accountId]) await world.address("http://127.0.0.1:9", { accountId });
  await world.node().publish({}, { accountId: short }, { accountId: long });
  const rows = await world.sql<{ account_id: string; days: number }>(
    `select account_id, extract(day from expires_at - $1)::integer as days from event where account_id = any($2)
     union select account_id, extract(day from expires_at - $1)::integer from delivery where account_id = any($2)`,
    [new Date(start), [short, long, world.accountId]],
  );
  expect(new Map(rows.map(({ account_id, days }) => [account_id, days]))).toEqual(
    new Map([
      [world.accountId, 90],
      [short, 30],
      [long, 400],
    ]),
  );
  expect(rows).toHaveLength(3);
});
