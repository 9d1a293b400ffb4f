import type { Pool } from "pg";
import { beforeAll, expect, test } from "vitest";
import { inTransaction } from "../db/transaction.ts";
import { newId } from "../domain/id.ts";
import { testDatabase } from "../testing/database.ts";
import { addEvents } from "./events.ts";
import { createFeed, type Feed, type Watcher } from "./feed.ts";
import { beforeAll as beginning } from "./feed-rows.ts";
import { createPublisher } from "./publish.ts";
import { ensureSpace } from "./retention.ts";

const now = Date.parse("2026-03-10T09:15:00Z");
const never = 2 ** 31 - 1;

let pool: Pool;

beforeAll(async () => {
  pool = (await testDatabase()).pool;
  await ensureSpace(pool, now);
});

async function account(): Promise<string> {
  const id = newId(now);
  await pool.query("insert into account (id, name, settings, created_at) values ($1, 'Shop', '{}', $2)", [
    id,
    new Date(now),
  ]);
  return id;
}

/** @returns how often it was told, and when it is told next */
function watch(feed: Feed, accountId: string, fields: Partial<Watcher> = {}) {
  let told = 0;
  let tell = () => {};
  const next = new Promise<void>((resolve) => (tell = resolve));
  const leave = feed.watch({
    accountId,
    mode: "live",
    position: () => beginning,
    news() {
      told++;
      tell();
    },
    end: () => undefined,
    ...fields,
  });
  return { told: () => told, next, leave };
}

function context(feed: Feed) {
  const sending = {
    offer: () => undefined,
    look: () => undefined,
    announced: (ids: Iterable<string>) => feed.ring(ids),
  };
  return { pool, clock: () => now, sending };
}

function announcement(accountId: string) {
  return { accountId, mode: "live" as const, type: "payment.made", at: now, orderKey: null, data: {} };
}

test("who watches is told of events of this process after their commit, without the store being asked", async () => {
  const feed = createFeed(pool, never);
  const [mine, other] = [await account(), await account()];
  const [reader, bystander] = [watch(feed, mine), watch(feed, other)];
  await inTransaction(pool, async (tx) => {
    await addEvents(context(feed), tx, [announcement(mine)]);
    expect(reader.told()).toBe(0);
  });
  expect(reader.told()).toBe(1);
  await createPublisher(context(feed), () => undefined).publish([{ ...announcement(mine), key: null }]);
  expect([reader.told(), bystander.told()]).toEqual([2, 0]);
  feed.end();
});

test("who watches is not told of what was rolled back", async () => {
  const feed = createFeed(pool, never);
  const mine = await account();
  const reader = watch(feed, mine);
  const failing = inTransaction(pool, async (tx) => {
    await addEvents(context(feed), tx, [announcement(mine)]);
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(reader.told()).toBe(0);
  feed.end();
});

test("a publication that repeats another tells nobody", async () => {
  const feed = createFeed(pool, never);
  const mine = await account();
  const reader = watch(feed, mine);
  const publisher = createPublisher(context(feed), () => undefined);
  for (let n = 0; n < 2; n++) await publisher.publish([{ ...announcement(mine), key: "same" }]);
  expect(reader.told()).toBe(1);
  feed.end();
});

test("what another process announced is found by asking, for whoever has not passed it", async () => {
  const elsewhere = createFeed(pool, never);
  const mine = await account();
  await inTransaction(pool, (tx) => addEvents(context(elsewhere), tx, [announcement(mine)]));
  const { rows } = await pool.query<{ txid: string; id: string }>("select txid, id from event where account_id = $1", [
    mine,
  ]);
  const feed = createFeed(pool, 1);
  const passed = watch(feed, mine, { position: () => rows[0]! });
  const behind = watch(feed, mine);
  await behind.next;
  expect(passed.told()).toBe(0);
  feed.end();
});

test("work in turn begins three at a time, and goes on when one of them fails", async () => {
  const feed = createFeed(pool, never);
  let underWay = 0;
  let most = 0;
  const done = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) =>
      feed.inTurn(async () => {
        most = Math.max(most, ++underWay);
        await new Promise(setImmediate);
        underWay--;
        if (index % 2 === 0) throw new Error("no");
        return index;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
});

test("who watches is ended with the process, and who comes later at once", () => {
  const feed = createFeed(pool, never);
  let ended = 0;
  const end = () => void ended++;
  watch(feed, "a", { end });
  watch(feed, "a", { end }).leave();
  feed.end();
  expect(ended).toBe(1);
  watch(feed, "a", { end });
  expect(ended).toBe(2);
});
