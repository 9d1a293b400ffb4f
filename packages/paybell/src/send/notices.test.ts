import { expect, test } from "vitest";
import { mailServer } from "../testing/mail-server.ts";
import { type Receiver, startReceiver } from "../testing/receiver.ts";
import { hour, minute, type Node, openWorld, start, type World } from "../testing/sending.ts";
import type { LaneRow } from "./lane-rows.ts";
import { addJob } from "./jobs.ts";
import { tellOfFailing, tellOfHealing, tellOfRepairs } from "./notices.ts";
import { createMailTransport } from "./smtp.ts";

type AlarmRow = { kind: string; times: number; open: boolean };

function alarms(world: World, key: string): Promise<AlarmRow[]> {
  return world.sql<AlarmRow>(
    "select kind, times, closed_at is null as open from alarm where account_id = $1 and key = $2 order by raised_at, kind",
    [world.accountId, key],
  );
}

async function announced(world: World, lane: string): Promise<[string, Record<string, unknown>][]> {
  const rows = await world.sql<{ type: string; data: Record<string, unknown> }>(
    "select type, data from event where account_id = $1 and type like 'connection.%' and data->>'connection_id' = $2 order by id",
    [world.accountId, lane],
  );
  return rows.map(({ type, data }) => [type, data]);
}

/** An address that answers as told, of which the seller is told elsewhere. */
async function failing(options: { readonly hours?: number } = {}) {
  const world = await openWorld();
  const [receiver, told] = [await startReceiver(), await startReceiver()];
  receiver.answer(() => ({ status: 500 }));
  const lane = await world.address(receiver.url, {
    types: ["payment.*"],
    options: { concurrency: 1, ...(options.hours !== undefined && { disable_after_hours: options.hours }) },
  });
  await world.address(told.url, { types: ["connection.*"] });
  return { world, receiver, told, lane };
}

/** Lets so many hours go by, with one payment in each. */
async function goBy(world: World, node: Node, hours: number): Promise<void> {
  for (let n = 0; n < hours; n++) {
    await node.publish({});
    await node.lanes.settle();
    world.pass(hour);
  }
  await node.lanes.settle();
}

function typesOf(receiver: Receiver): string[] {
  return receiver.messages().map((message) => (message as { type: string }).type);
}

test("the seller is told after an hour, at half time, and when the address is switched off, once each", async () => {
  const { world, told, lane } = await failing({ hours: 10 });
  const node = world.node();
  await goBy(world, node, 1);
  expect(await alarms(world, lane)).toMatchObject([{ kind: "address_failing", open: true }]);
  await goBy(world, node, 3);
  expect(await alarms(world, lane)).toHaveLength(1);
  await goBy(world, node, 1);
  expect(await alarms(world, lane)).toMatchObject([{ kind: "address_failing" }, { kind: "address_half_time" }]);
  expect((await world.lane(lane)).disabled_at).toBeNull();
  await goBy(world, node, 10);
  expect(await alarms(world, lane)).toMatchObject([
    { kind: "address_failing", times: 1, open: true },
    { kind: "address_half_time", times: 1, open: true },
    { kind: "address_disabled", times: 1, open: true },
  ]);
  expect(await world.lane(lane)).toMatchObject({ disabled_at: start + 10 * hour, disabled_reason: "failing", told: 3 });
  const common = { connection_id: lane, connection: "Course platform", failing_since: new Date(start).toISOString() };
  const switched_off_at = new Date(start + 10 * hour).toISOString();
  expect(await announced(world, lane)).toEqual([
    ["connection.failing", { ...common, switched_off_at }],
    ["connection.failing", { ...common, switched_off_at }],
    ["connection.disabled", { ...common, switched_off_at, reason: "failing" }],
  ]);
  expect(typesOf(told)).toEqual(["connection.failing", "connection.failing", "connection.disabled"]);
});

test("what is due to an address that was switched off is held, and nothing more is sent to it", async () => {
  const { world, receiver, lane } = await failing({ hours: 1 });
  const node = world.node();
  await goBy(world, node, 1);
  expect((await world.lane(lane)).disabled_reason).toBe("failing");
  const calls = receiver.received.length;
  await goBy(world, node, 20);
  expect(receiver.received).toHaveLength(calls);
  expect((await world.deliveries(lane)).map(({ state }) => state)).toEqual(Array(21).fill("due"));
});

test("an address that fails for less than an hour is nobody's concern", async () => {
  const { world, receiver, lane } = await failing();
  const node = world.node();
  await node.publish({});
  await node.lanes.settle();
  world.pass(59 * minute);
  await node.publish({});
  await node.lanes.settle();
  receiver.answer(() => ({}));
  await goBy(world, node, 3);
  expect(await alarms(world, lane)).toEqual([]);
  expect(await announced(world, lane)).toEqual([]);
});

test("well again, the alarms close; failing anew, everything is told anew", async () => {
  const { world, receiver, lane } = await failing({ hours: 4 });
  const node = world.node();
  await goBy(world, node, 2);
  expect(await world.lane(lane)).toMatchObject({ told: 2 });
  receiver.answer(() => ({}));
  await goBy(world, node, 1);
  expect(await alarms(world, lane)).toMatchObject([{ open: false }, { open: false }]);
  expect(await world.lane(lane)).toMatchObject({ told: 0, failing_since: null });
  receiver.answer(() => ({ status: 500 }));
  await goBy(world, node, 6);
  expect(await alarms(world, lane)).toMatchObject([
    { kind: "address_failing", times: 2, open: true },
    { kind: "address_half_time", times: 2, open: true },
    { kind: "address_disabled", times: 1, open: true },
  ]);
  expect((await announced(world, lane)).map(([type]) => type)).toEqual([
    "connection.failing",
    "connection.failing",
    "connection.failing",
    "connection.failing",
    "connection.disabled",
  ]);
});

test("a node that takes over tells nothing that was told already", async () => {
  const { world, lane } = await failing({ hours: 10 });
  for (let n = 0; n < 4; n++) {
    const node = world.node();
    await goBy(world, node, 1);
    await node.stop();
  }
  expect(await alarms(world, lane)).toMatchObject([{ kind: "address_failing", times: 1 }]);
  expect(await announced(world, lane)).toHaveLength(1);
});

test("nodes that would tell the same at the same moment tell it once", async () => {
  const { world, lane } = await failing();
  const nodes = [world.node(), world.node(), world.node()];
  const { version } = await world.lane(lane);
  const row = { account_id: world.accountId, id: lane, transport: "http", address: null, version } as LaneRow;
  const health = { failures: 9, failingSince: start - 2 * hour, calledAt: start, openUntil: null };
  await Promise.all(nodes.map((node) => tellOfFailing(node.context, row, health, false)));
  expect(await alarms(world, lane)).toEqual([{ kind: "address_failing", times: 1, open: true }]);
  expect(await announced(world, lane)).toHaveLength(1);
  await Promise.all(nodes.map((node) => tellOfHealing(node.context, row)));
  expect(await alarms(world, lane)).toEqual([{ kind: "address_failing", times: 1, open: false }]);
});

test("410 is told at once, with its reason and without a date", async () => {
  const { world, receiver, told, lane } = await failing();
  receiver.answer(() => ({ status: 410 }));
  const node = world.node();
  await node.publish({});
  await node.lanes.settle();
  expect(await alarms(world, lane)).toMatchObject([{ kind: "address_disabled", open: true }]);
  expect(await announced(world, lane)).toEqual([
    [
      "connection.disabled",
      {
        connection_id: lane,
        connection: "Course platform",
        failing_since: new Date(start).toISOString(),
        reason: "gone",
      },
    ],
  ]);
  expect(typesOf(told)).toEqual(["connection.disabled"]);
});

test("a mail server that fails for an hour is an alarm, and never switched off", async () => {
  const world = await openWorld();
  const down = await mailServer();
  await down.stop();
  const smtp = createMailTransport(down.url, { connectMs: 2000, greetingMs: 2000, silenceMs: 2000, deadlineMs: 4000 });
  const node = world.node({ smtp });
  for (let n = 0; n < 8; n++) {
    await world.mail();
    await node.lanes.settle();
    world.pass(n === 0 ? 2 * hour : 48 * hour);
  }
  expect(await alarms(world, world.accountId)).toEqual([{ kind: "mail_server_failing", times: 1, open: true }]);
  expect((await world.lane(world.accountId)).disabled_at).toBeNull();
  await mailServer({ port: down.port });
  await world.mail();
  await node.lanes.settle();
  expect(await alarms(world, world.accountId)).toEqual([{ kind: "mail_server_failing", times: 1, open: false }]);
});

/** An address that takes all but one event, which fails for good. */
async function refusing() {
  const world = await openWorld();
  const [receiver, told] = [await startReceiver(), await startReceiver()];
  receiver.answer(({ body }) => (body.includes("poison") ? { status: 500, body: "no" } : {}));
  const lane = await world.address(receiver.url, { types: ["payment.*"], options: { schedule: "copecart" } });
  await world.address(told.url, { types: ["alarm.*"] });
  const node = world.node();
  /** until all its attempts were made, while others arrive */
  const failForGood = async () => {
    for (let n = 0; n < 11; n++) {
      await node.publish({ data: { n } });
      await node.lanes.settle();
      world.pass(19 * minute);
    }
  };
  return { world, receiver, told, lane, node, failForGood };
}

const poison = { orderKey: "A1", data: { order_id: "A1", reference: "poison" } };

async function recover(world: World, node: Node, lane: string): Promise<void> {
  const params = { connection_id: lane, since: new Date(start).toISOString(), until: null, types: null };
  await addJob(world.pool, { accountId: world.accountId, mode: "live", kind: "recover", params }, world.now());
  await node.jobs.work();
}

test("what fails for good at an address that takes the rest is one alarm, open until all of it is tried again", async () => {
  const { world, told, lane, node, failForGood } = await refusing();
  await node.publish(poison, poison);
  await failForGood();
  const failed = (await world.deliveries(lane)).filter(({ state }) => state === "failed");
  expect(failed).toHaveLength(2);
  expect(await alarms(world, lane)).toEqual([{ kind: "deliveries_failed", times: 1, open: true }]);
  const [{ data }] = (await world.sql<{ data: Record<string, unknown> }>("select data from alarm where key = $1", [
    lane,
  ])) as [{ data: Record<string, unknown> }];
  expect(data).toMatchObject({
    connection_id: lane,
    connection: "Course platform",
    type: "payment.made",
    order_id: "A1",
    reason: "refused: The address answered 500.",
  });
  expect(failed.map(({ id }) => id)).toContain(data["delivery_id"]);
  await node.lanes.settle();
  expect(typesOf(told)).toEqual(["alarm.raised"]);
  await recover(world, node, lane);
  expect(await alarms(world, lane)).toEqual([{ kind: "deliveries_failed", times: 1, open: false }]);
  await failForGood();
  expect(await alarms(world, lane)).toEqual([{ kind: "deliveries_failed", times: 2, open: true }]);
});

test("an alarm over what failed closes by itself when nothing of it is left, and not before", async () => {
  const { world, lane, node, failForGood } = await refusing();
  await node.publish(poison, poison);
  await failForGood();
  const failed = (await world.deliveries(lane)).filter(({ state }) => state === "failed");
  for (const [index, { id }] of failed.entries()) {
    await world.sql("update delivery set state = 'sent' where id = $1", [id]);
    await tellOfRepairs(node.context);
    expect(await alarms(world, lane)).toMatchObject([{ kind: "deliveries_failed", open: index === 0 }]);
  }
});
