import { beforeEach, describe, expect, test } from "vitest";
import { connect, loopback } from "../testing/out-connection.ts";
import { payment } from "../testing/payment.ts";
import { type Receiver, startReceiver } from "../testing/receiver.ts";
import { openShop, type Shop } from "../testing/shop.ts";

let shop: Shop;
let receiver: Receiver;

beforeEach(async () => {
  shop = await openShop("2026-03-01T10:00:00", loopback);
  receiver = await startReceiver();
});

type Job = {
  id: string;
  kind: string;
  params: { connection_id: string | null; since: string; until: string | null; events: string[] | null };
  state: string;
  done: number;
  total: number | null;
  created_at: string;
  finished_at: string | null;
};

async function publish(...payments: Record<string, unknown>[]): Promise<void> {
  await shop.ok("POST", "/v1/payments", { payments });
  await shop.paybell.settle();
}

const orders = (at = receiver) =>
  at
    .messages()
    .map((message) => (message as { data: { order_id: string } }).data.order_id)
    .toSorted();
/** Far enough that an address that failed is tried again. */
const later = () => shop.at(shop.now() + 3_600_000);
const states = async () =>
  (await shop.ok<{ data: { state: string }[] }>("GET", "/v1/deliveries?limit=200")).data.map(({ state }) => state);

/** Publishes to an address that refuses, until all that is given up. */
async function fail(...payments: Record<string, unknown>[]): Promise<string> {
  receiver.answer(() => ({ status: 500 }));
  const { id } = await connect(shop, receiver, {
    events: ["payment.*"],
    schedule: "copecart",
    disable_after_hours: 720,
  });
  await publish(...payments);
  // A failing address is probed by one delivery at a time, so the others take theirs in turn.
  for (let n = 0; n < 100 && (await states()).includes("due"); n++) await later();
  expect(new Set(await states())).toEqual(new Set(["failed"]));
  receiver.answer(() => ({}));
  receiver.received.splice(0);
  return id;
}

describe("recovering", () => {
  test("brings a connection what failed since then, and shows how far it is", async () => {
    const id = await fail(payment({ order_id: "a" }), payment({ order_id: "b" }));
    const { data } = await shop.ok<{ data: Job[] }>("POST", `/v1/connections/${id}/recover`, {
      since: "2026-03-01T00:00:00+01:00",
    });
    expect(data).toMatchObject([
      {
        kind: "recover",
        params: { connection_id: id, since: "2026-02-28T23:00:00.000Z", events: null },
        state: "running",
        done: 0,
        total: 2,
        finished_at: null,
      },
    ]);
    await later();
    expect(orders()).toEqual(["a", "b"]);
    expect(await shop.ok("GET", `/v1/jobs/${data[0]!.id}`)).toMatchObject({
      state: "done",
      done: 2,
      finished_at: new Date(shop.now()).toISOString(),
    });
    expect(await states()).toEqual(["sent", "sent"]);
  });

  test("brings what never had a delivery there, by the connection's filters, once", async () => {
    await publish(payment({ order_id: "a" }), payment({ order_id: "b", type: "order.resumed" }));
    const { id } = await connect(shop, receiver, { events: ["payment.*"] });
    const recover = () =>
      shop.ok<{ data: Job[] }>("POST", `/v1/connections/${id}/recover`, { since: "2026-03-01", what: "missing" });
    expect((await recover()).data).toMatchObject([{ kind: "fill", total: 1 }]);
    await shop.paybell.settle();
    expect(orders()).toEqual(["a"]);
    expect((await recover()).data).toMatchObject([{ kind: "fill", total: 0 }]);
    await shop.paybell.settle();
    expect(orders()).toEqual(["a"]);
  });

  test("is bounded by time and by events", async () => {
    const id = await fail(payment({ order_id: "a" }), payment({ order_id: "b", type: "payment.refunded" }));
    const recover = async (body: object) => {
      await shop.ok("POST", `/v1/connections/${id}/recover`, body);
      await later();
      return orders();
    };
    expect(await recover({ since: "2026-03-01T10:00:01+01:00" })).toEqual([]);
    expect(await recover({ since: "2026-02-01", until: "2026-03-01" })).toEqual([]);
    expect(await recover({ since: "2026-03-01", events: ["payment.refunded"] })).toEqual(["b"]);
    expect(await recover({ since: "2026-03-01", events: ["payment.*"] })).toEqual(["a", "b"]);
    for (const body of [{}, { since: "soon" }, { since: "2026-03-02", until: "2026-03-01" }, { since: "2027-01-01" }])
      expect((await shop.api("POST", `/v1/connections/${id}/recover`, body)).status).toBe(422);
  });

  test("of a paused connection waits until it is on", async () => {
    const id = await fail(payment({ order_id: "a" }));
    await shop.ok("PATCH", `/v1/connections/${id}`, { paused: true });
    await shop.ok("POST", `/v1/connections/${id}/recover`, { since: "2026-03-01", what: "all" });
    await shop.paybell.settle();
    expect([orders(), await states()]).toEqual([[], ["due"]]);
    await shop.ok("PATCH", `/v1/connections/${id}`, { paused: false });
    await shop.paybell.settle();
    expect(orders()).toEqual(["a"]);
  });

  test("of all connections at once leaves what arrived and what is still tried alone", async () => {
    await fail(payment({ order_id: "a" }));
    const other = await startReceiver();
    await connect(shop, other, { events: ["payment.*"] });
    await publish(payment({ order_id: "b" }));
    // Still due at the first, which is left alone for a while as it failed.
    const job = await shop.ok<Job>("POST", "/v1/deliveries/retry", { since: "2026-03-01" });
    expect(job).toMatchObject({ kind: "recover", params: { connection_id: null }, total: 1 });
    await later();
    expect([orders(), orders(other)]).toEqual([["a", "b"], ["b"]]);
    expect(await shop.ok("GET", `/v1/jobs/${job.id}`)).toMatchObject({ state: "done", done: 1 });
  });

  test("of more than one step goes through all", async () => {
    const many = Array.from({ length: 1000 }, (_, n) => payment({ order_id: `o${n}` }));
    await publish(...many);
    await publish(payment({ order_id: "last" }));
    const { id } = await connect(shop, receiver);
    const { data } = await shop.ok<{ data: Job[] }>("POST", `/v1/connections/${id}/recover`, {
      since: "2026-03-01",
      what: "missing",
    });
    await shop.paybell.settle();
    expect(await shop.ok("GET", `/v1/jobs/${data[0]!.id}`)).toMatchObject({ state: "done", done: 1001, total: 1001 });
    expect(new Set(orders()).size).toBe(1001);
    expect(receiver.received).toHaveLength(1001);
  });
});

describe("jobs", () => {
  test("are listed newest first in their own space, and an ended one is not cancelled", async () => {
    const { id } = await connect(shop, receiver);
    await shop.ok("POST", `/v1/connections/${id}/recover`, { since: "2026-03-01", what: "all" });
    await shop.paybell.settle();
    const { data } = await shop.ok<{ data: Job[] }>("GET", "/v1/jobs");
    expect(data.map(({ kind, state }) => `${kind} ${state}`).toSorted()).toEqual(["fill done", "recover done"]);
    expect((await shop.ok<{ data: Job[] }>("GET", "/v1/jobs?mode=test")).data).toEqual([]);
    const { status, json } = await shop.api("POST", `/v1/jobs/${data[0]!.id}/cancel`, {});
    expect([status, (json as { code: string }).code]).toEqual([409, "job_ended"]);
  });

  test("a cancelled one does nothing more", async () => {
    const many = Array.from({ length: 1000 }, (_, n) => payment({ order_id: `o${n}` }));
    await publish(...many);
    const { id } = await connect(shop, receiver);
    await shop.ok("PATCH", `/v1/connections/${id}`, { paused: true });
    const { data } = await shop.ok<{ data: Job[] }>("POST", `/v1/connections/${id}/recover`, {
      since: "2026-03-01",
      what: "missing",
    });
    const { status, json } = await shop.api("POST", `/v1/jobs/${data[0]!.id}/cancel`, {});
    await shop.paybell.settle();
    const after = await shop.ok<Job>("GET", `/v1/jobs/${data[0]!.id}`);
    // It may have been quicker than we.
    expect([status, after.state]).toEqual(status === 200 ? [200, "cancelled"] : [409, "done"]);
    if (status === 200) expect(after.done).toBe((json as Job).done);
    expect(await states()).toHaveLength(Math.min(200, after.done));
  });
});
