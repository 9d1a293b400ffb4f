import { expect, test } from "vitest";
import { inTransaction } from "../db/transaction.ts";
import type { Alarm } from "../ledger/alarm.ts";
import { ensureSpace } from "../send/retention.ts";
import { startReceiver } from "../testing/receiver.ts";
import { openWorld, start, type World } from "../testing/sending.ts";
import { raiseAlarms } from "./alarms.ts";

const alarm = ({ accountId }: World, key: string): Alarm => ({
  accountId,
  mode: "live",
  kind: "product_unmapped",
  key,
  data: { product_id: key },
  at: start,
});

test("an alarm reaches every address that wants it and the operator's mailbox, once", async () => {
  const world = await openWorld();
  await world.sql(`update account set settings = '{"operator_email": "owner@example.com"}' where id = $1`, [
    world.accountId,
  ]);
  const [one, two, other] = [await startReceiver(), await startReceiver(), await startReceiver()];
  await world.address(one.url);
  await world.address(two.url, { types: ["alarm.*"] });
  await world.address(other.url, { types: ["payment.*"] });
  const node = world.node();
  await ensureSpace(node.pool, start);
  await node.lanes.start();
  const raise = (...keys: string[]) =>
    inTransaction(node.pool, (tx) =>
      raiseAlarms(
        node.context,
        tx,
        keys.map((key) => alarm(world, key)),
      ),
    );
  await raise("p1", "p2", "p1");
  await raise("p2");
  await Promise.all([one.arrived(2), two.arrived(2)]);
  await node.lanes.settle();
  for (const receiver of [one, two]) {
    const said = receiver.messages() as { type: string; data: { key: string; alarm_id: string } }[];
    expect(said.map(({ type, data }) => `${type} ${data.key}`).toSorted()).toEqual([
      "alarm.raised p1",
      "alarm.raised p2",
    ]);
  }
  expect(other.received).toEqual([]);
  const alarms = await world.sql<{ id: string }>("select id from alarm order by id");
  const told = one.messages() as { data: { alarm_id: string } }[];
  expect(told.map(({ data }) => data.alarm_id).toSorted()).toEqual(alarms.map(({ id }) => id));
  const kinds = (await world.deliveries()).map(({ kind }) => kind).toSorted();
  expect(kinds).toEqual(["alarm", "alarm", "alarm.raised", "alarm.raised", "alarm.raised", "alarm.raised"]);
});

test("an alarm of a transaction that is rolled back is neither kept nor announced", async () => {
  const world = await openWorld();
  await world.address("http://127.0.0.1:9/in");
  const node = world.node();
  await ensureSpace(node.pool, start);
  const failing = inTransaction(node.pool, async (tx) => {
    await raiseAlarms(node.context, tx, [alarm(world, "p1")]);
    throw new Error("thought better of it");
  });
  await expect(failing).rejects.toThrow("thought better of it");
  expect(await world.sql("select id from alarm where account_id = $1", [world.accountId])).toEqual([]);
  expect(await world.sql("select id from event where account_id = $1", [world.accountId])).toEqual([]);
  expect(await world.deliveries()).toEqual([]);
});
