import { expect, test } from "vitest";
import { newId } from "../domain/id.ts";
import { type Delivery, minute, openWorld, start, until, type World } from "../testing/sending.ts";
import type { AttemptRecord, Duty } from "./outcome.ts";
import { createResults, type Result } from "./results.ts";

const holder = newId(start);
const quiet = () => undefined;
const nothing = async () => undefined;

/** A lane held by `holder`, with so many due deliveries. */
async function lane(world: World, count: number) {
  const id = await world.address("http://127.0.0.1:9");
  await world.node().publish(...Array.from({ length: count }, (_, n) => ({ data: { n } })));
  await world.sql("update lane set node = $2 where id = $1", [id, holder]);
  return { id, deliveries: await world.deliveries(id) };
}

function dutyOf(world: World, delivery: Delivery): Duty {
  return {
    what: "event",
    accountId: world.accountId,
    laneId: delivery.lane_id,
    id: delivery.id,
    expiresAt: delivery.expires_at,
    attempts: delivery.attempts,
    attemptsBefore: 0,
    orderKey: null,
    event: { id: delivery.event_id ?? "", type: delivery.kind, at: start, test: false, data: "{}" },
  };
}

function attempt(more: Partial<AttemptRecord> = {}): AttemptRecord {
  const times = { dnsMs: null, connectMs: 1, tlsMs: null, firstByteMs: 2, totalMs: 3 };
  return { at: start, ...times, status: 200, code: null, sentence: null, answer: "OK", ...more };
}

const refused = attempt({ status: 500, code: "refused", sentence: "The address answered 500." });

function result(duty: Duty, more: Partial<Result> = {}): Result {
  return { duty, state: "sent", reason: null, at: start, dueAt: null, attempt: attempt(), health: null, ...more };
}

const again: Partial<Result> = { state: "due", reason: "refused", dueAt: start + minute, attempt: refused };

test("many results at once are few statements", async () => {
  const world = await openWorld();
  const { deliveries } = await lane(world, 300);
  const results = createResults(world.pool, "here", quiet, nothing);
  await Promise.all(deliveries.map((delivery) => results.write(result(dutyOf(world, delivery)), holder, 1)));
  expect((await world.deliveries()).every(({ state, attempts }) => state === "sent" && attempts === 1)).toBe(true);
  const rows = await world.sql("select distinct xmin::text from attempt where account_id = $1", [world.accountId]);
  expect(rows.length).toBeLessThanOrEqual(3);
});

test.each<[string, Partial<Delivery>, Partial<Result>, Partial<Delivery>]>([
  ["a success", {}, {}, { state: "sent", attempts: 1, sent_at: start }],
  ["a failure", {}, again, { state: "due", attempts: 1, reason: "refused", due_at: start + minute }],
  ["the last failure", {}, { ...again, state: "failed", dueAt: null }, { state: "failed", attempts: 1, due_at: start }],
  [
    "one that was not tried",
    {},
    { state: "dropped", reason: "why", attempt: null },
    { state: "dropped", attempts: 0, reason: "why" },
  ],
  [
    "a failure, told late, of one that was sent since",
    { state: "sent", attempts: 1 },
    again,
    { state: "sent", attempts: 1, reason: null },
  ],
  [
    "a failure, told late, of one that was tried since",
    { attempts: 1 },
    again,
    { state: "due", attempts: 1, due_at: start, reason: null },
  ],
  ["a success, told late, of one that was tried since", { attempts: 1 }, {}, { state: "sent", attempts: 2 }],
  [
    "a success, told late, of one that has failed since",
    { state: "failed", attempts: 10 },
    {},
    { state: "sent", attempts: 11 },
  ],
  ["a success, told late, of one that was given up", { state: "dropped" }, {}, { state: "sent", attempts: 1 }],
])("%s is written as it is", async (_, before, told, after) => {
  const world = await openWorld();
  const { deliveries } = await lane(world, 1);
  const duty = dutyOf(world, deliveries[0]!);
  for (const [name, value] of Object.entries(before))
    await world.sql(`update delivery set ${name} = $2 where id = $1`, [duty.id, value]);
  await createResults(world.pool, "here", quiet, nothing).write(result(duty, told), holder, 1);
  expect(await world.delivery(duty.id)).toMatchObject(after);
  // What happened is kept as proof, whoever was first.
  expect(await world.attempts(duty.id)).toHaveLength(told.attempt === null ? 0 : 1);
});

const failing = { failures: 3, failingSince: start - 60 * minute, calledAt: start, openUntil: start + minute };
const failingRow = { failures: 3, failing_since: start - 60 * minute, open_until: start + minute };

test("of several words on one address the last counts", async () => {
  const world = await openWorld();
  const { id, deliveries } = await lane(world, 3);
  const [one, two, three] = deliveries.map((delivery) => dutyOf(world, delivery));
  const results = createResults(world.pool, "here", quiet, nothing);
  const well = { failures: 0, failingSince: null, calledAt: null, openUntil: null };
  await Promise.all([
    results.write(result(one!, { health: well }), holder, 1),
    results.write(result(two!, { ...again, health: failing }), holder, 1),
    results.write(result(three!), holder, 1),
  ]);
  expect(await world.lane(id)).toMatchObject({
    ...failingRow,
    last_sent_at: start,
    last_failure: { code: "refused", status: 500 },
  });
});

test("an attempt that says nothing of the address leaves it as it was, and how far the seller was told", async () => {
  const world = await openWorld();
  const { id, deliveries } = await lane(world, 1);
  await world.sql("update lane set failures = 3, failing_since = $2, open_until = $3, told = 2 where id = $1", [
    id,
    new Date(failing.failingSince),
    new Date(failing.openUntil),
  ]);
  await createResults(world.pool, "here", quiet, nothing).write(
    result(dutyOf(world, deliveries[0]!), again),
    holder,
    1,
  );
  expect(await world.lane(id)).toMatchObject({ ...failingRow, told: 2, last_failure: { code: "refused" } });
});

test("an address that answers again may be told of anew", async () => {
  const world = await openWorld();
  const { id, deliveries } = await lane(world, 1);
  await world.sql("update lane set failures = 3, failing_since = $2, told = 2 where id = $1", [id, new Date(start)]);
  const well = { failures: 0, failingSince: null, calledAt: null, openUntil: null };
  await createResults(world.pool, "here", quiet, nothing).write(
    result(dutyOf(world, deliveries[0]!), { health: well }),
    holder,
    1,
  );
  expect(await world.lane(id)).toMatchObject({ failures: 0, failing_since: null, told: 0 });
});

test("whoever no longer holds the lane has no say in how its address does", async () => {
  const world = await openWorld();
  const { id, deliveries } = await lane(world, 2);
  const [one, two] = deliveries.map((delivery) => dutyOf(world, delivery));
  const results = createResults(world.pool, "here", quiet, nothing);
  await results.write(result(one!, { ...again, health: failing }), newId(start), 1);
  expect(await world.lane(id)).toMatchObject({ failures: 0, failing_since: null, open_until: null });
  await world.sql("update lane set failures = 3, failing_since = $2, told = 1 where id = $1", [id, new Date(start)]);
  const well = { failures: 0, failingSince: null, calledAt: null, openUntil: null };
  await results.write(result(two!, { health: well }), newId(start), 1);
  expect(await world.lane(id)).toMatchObject({ failures: 3, failing_since: start, told: 1, last_sent_at: start });
});

test("a result that can never be written holds up no other", async () => {
  const world = await openWorld();
  const { deliveries } = await lane(world, 3);
  const [one, two, three] = deliveries.map((delivery) => dutyOf(world, delivery));
  const troubles: unknown[] = [];
  const results = createResults(world.pool, "here", (error) => troubles.push(error), nothing);
  await Promise.all([
    results.write(result(one!), holder, 1),
    // Its month is gone.
    results.write(result({ ...two!, expiresAt: Date.parse("2020-01-01T00:00:00Z") }), holder, 1),
    results.write(result(three!), holder, 1),
  ]);
  expect((await world.deliveries()).map(({ state }) => state)).toEqual(["sent", "due", "sent"]);
  expect(troubles.length).toBeGreaterThan(0);
});

test("a proof that cannot be stored does not make a delivery go out again", async () => {
  const world = await openWorld();
  const { deliveries } = await lane(world, 1);
  const duty = dutyOf(world, deliveries[0]!);
  await createResults(world.pool, "here", quiet, nothing).write(
    result(duty, { attempt: attempt({ answer: "bad\0byte" }) }),
    holder,
    1,
  );
  expect(await world.delivery(duty.id)).toMatchObject({ state: "sent" });
});

test("while the store is away results are kept; what ends meanwhile is written with them", async () => {
  const world = await openWorld();
  const { deliveries } = await lane(world, 4);
  const troubles: unknown[] = [];
  const results = createResults(world.pool, "here", (error) => troubles.push(error), nothing);
  const writes: Promise<void>[] = [];
  await world.whileLocked("attempt", async (pid) => {
    for (const delivery of deliveries.slice(0, 2))
      writes.push(results.write(result(dutyOf(world, delivery)), holder, 1));
    await until(async () => {
      await world.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and pid <> $1",
        [pid],
      );
      return troubles.length > 0;
    });
    for (const delivery of deliveries.slice(2)) writes.push(results.write(result(dutyOf(world, delivery)), holder, 1));
  });
  await Promise.all(writes);
  expect((await world.deliveries()).map(({ state, attempts }) => [state, attempts])).toEqual(
    Array.from({ length: 4 }, () => ["sent", 1]),
  );
  expect(await world.attempts()).toHaveLength(4);
});

test("what was said of an address as it was before a change says nothing of the new one", async () => {
  const world = await openWorld();
  const id = await world.address("http://127.0.0.1:1/");
  await world.node().publish({}, {});
  const [one, two] = (await world.deliveries()).map((delivery) => dutyOf(world, delivery));
  const holder = newId(start);
  await world.sql("update lane set node = $2, version = 2 where id = $1", [id, holder]);
  const results = createResults(world.pool, "here", quiet, nothing);
  await results.write(result(one!, { ...again, health: failing }), holder, 1);
  expect(await world.lane(id)).toMatchObject({ failures: 0, failing_since: null });
  await results.write(result(two!, { ...again, health: failing }), holder, 2);
  expect(await world.lane(id)).toMatchObject({ failures: 3 });
});

test("after an outage everything is written as before, also when its retry finds nothing left to do", async () => {
  const world = await openWorld();
  const { deliveries } = await lane(world, 2);
  const [one, two] = deliveries.map((delivery) => dutyOf(world, delivery));
  const troubles: unknown[] = [];
  const results = createResults(world.pool, "here", (error) => troubles.push(error), nothing);
  let first: Promise<void> | undefined;
  await world.whileLocked("attempt", async (pid) => {
    first = results.write(result(one!), holder, 1);
    await until(async () => {
      await world.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and pid <> $1",
        [pid],
      );
      return troubles.length > 0;
    });
  });
  await results.write(result(two!), holder, 1);
  // The time of the retry comes, with nothing left for it.
  const from = performance.now();
  await until(() => performance.now() - from > 700);
  await results.write(result(two!), holder, 1);
  await first;
  expect((await world.deliveries()).map(({ state }) => state)).toEqual(["sent", "sent"]);
});

test("a mail that bounced is written together with what follows from it, or not at all", async () => {
  const world = await openWorld();
  const id = await world.mail();
  const delivery = await world.delivery(id);
  const duty = { ...dutyOf(world, delivery), what: "mail", itemId: null, recipient: "kim@example.com" } as Duty;
  const seen: Promise<Delivery>[] = [];
  const told: string[][] = [];
  const results = createResults(
    world.pool,
    "here",
    () => void seen.push(world.delivery(id)),
    async (tx, given) => {
      told.push(given.map((one) => one.duty.id));
      if (told.length === 1) throw new Error("The process ended here.");
      await tx.query("update account set name = 'told' where id = $1", [world.accountId]);
    },
  );
  const bounced = { state: "bounced", reason: "recipient_refused: no", attempt: refused } as const;
  await results.write(result(duty, bounced), world.accountId, 1);
  expect(await Promise.all(seen)).toMatchObject([{ state: "due", attempts: 0 }]);
  expect(told).toEqual([[id], [id]]);
  expect(await world.delivery(id)).toMatchObject({ state: "bounced", attempts: 1 });
  expect(await world.sql("select name from account where id = $1", [world.accountId])).toEqual([{ name: "told" }]);
});
