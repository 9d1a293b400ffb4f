import { beforeEach, describe, expect, test } from "vitest";
import { mailServer } from "../testing/mail-server.ts";
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

const day = 86_400_000;

type Try = {
  number: number;
  status: number | null;
  code: string | null;
  sentence: string | null;
  at: string;
  node: string;
};
type Delivery = {
  id: string;
  transport: string;
  connection_id: string | null;
  event_id: string | null;
  type: string;
  order_id: string | null;
  state: string;
  reason: string | null;
  attempts: number;
  next_attempt_at: string | null;
  tries: Try[];
};
type Event = { id: string; type: string; order_id: string };
type Page<T> = { data: T[]; next_cursor: string | null };

async function publish(...payments: Record<string, unknown>[]): Promise<void> {
  await shop.ok("POST", "/v1/payments", { payments });
  await shop.paybell.settle();
}

const list = async (query = "") => (await shop.ok<Page<Delivery>>("GET", `/v1/deliveries?limit=200${query}`)).data;
const one = (id: string) => shop.ok<Delivery>("GET", `/v1/deliveries/${id}`);
const orders = () => receiver.messages().map((message) => (message as { data: { order_id: string } }).data.order_id);

/** Lets the whole schedule pass. */
async function exhaust(): Promise<void> {
  for (let n = 0; n < 12; n++) await shop.at(shop.now() + day);
}

describe("a delivery", () => {
  test("shows every attempt with its times, what was answered and which process made it", async () => {
    receiver.answer((_, index) => (index === 0 ? { status: 500, body: "out of order" } : {}));
    await connect(shop, receiver);
    await publish(payment());
    const [due] = await list();
    expect(due).toMatchObject({ state: "due", attempts: 1, reason: "refused: The address answered 500." });
    expect(Date.parse(due!.next_attempt_at!)).toBeGreaterThan(shop.now());
    await shop.at(shop.now() + day);
    const sent = await one(due!.id);
    expect(sent).toMatchObject({ state: "sent", attempts: 2, next_attempt_at: null, order_id: "A1B2C3D4" });
    expect(sent.tries).toEqual([
      {
        number: 1,
        at: "2026-03-01T09:00:00.000Z",
        node: expect.stringMatching(/.:\d+$/) as string,
        dns_ms: null,
        connect_ms: expect.any(Number) as number,
        tls_ms: null,
        first_byte_ms: expect.any(Number) as number,
        total_ms: expect.any(Number) as number,
        status: 500,
        code: "refused",
        sentence: "The address answered 500.",
        answer: "out of order",
      },
      expect.objectContaining({ number: 2, status: 200, code: null, at: "2026-03-02T09:00:00.000Z" }),
    ]);
  });

  test("is found by its connection, event, order, state, transport, type and time", async () => {
    const other = await startReceiver();
    other.answer(() => ({ status: 500 }));
    const first = await connect(shop, receiver);
    const second = await connect(shop, other, { events: ["payment.*"] });
    await publish(payment({ order_id: "a" }), payment({ order_id: "b", type: "order.cancelled" }));
    shop.set("2026-03-05T10:00:00");
    await shop.ok("POST", "/v1/payments", payment({ order_id: "c" }));
    const found = async (query: string) => (await list(query)).map(({ order_id }) => String(order_id)).toSorted();
    const { data } = await shop.ok<Page<Event>>("GET", "/v1/events?order_id=a");
    expect(await found("")).toEqual(["a", "a", "b", "c", "c"]);
    expect(await found(`&connection_id=${first.id}`)).toEqual(["a", "b", "c"]);
    expect(await found(`&connection_id=${second.id}`)).toEqual(["a", "c"]);
    expect(await found(`&event_id=${data[0]!.id}`)).toEqual(["a", "a"]);
    expect(await found("&order_id=b")).toEqual(["b"]);
    expect(await found("&state=sent")).toEqual(["a", "b"]);
    expect(await found("&transport=http&state=due")).toEqual(["a", "c", "c"]);
    expect(await found("&transport=mail")).toEqual([]);
    expect(await found("&type=order.cancelled")).toEqual(["b"]);
    expect(await found("&type=payment.*")).toEqual(["a", "a", "c", "c"]);
    expect(await found("&since=2026-03-05")).toEqual(["c", "c"]);
    expect(await found("&until=2026-03-05")).toEqual(["a", "a", "b"]);
    expect((await shop.api("GET", "/v1/deliveries?since=yesterday")).status).toBe(422);
  });

  test("is listed newest first, page by page, each once", async () => {
    await connect(shop, receiver);
    await publish(...Array.from({ length: 5 }, (_, n) => payment({ order_id: `o${n}` })));
    const whole = (await list()).map(({ id }) => id);
    expect(whole).toEqual(whole.toSorted().toReversed());
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const { data, next_cursor }: Page<Delivery> = await shop.ok<Page<Delivery>>(
        "GET",
        `/v1/deliveries?limit=2&until=2027-01-01${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...data.map(({ id }) => id));
      cursor = next_cursor;
    }
    expect(seen).toEqual(whole);
  });

  test("of a test event is in the lists of the test space alone", async () => {
    await connect(shop, receiver, { mode: "test" });
    await shop.ok("POST", "/v1/payments?mode=test", payment());
    expect(await list()).toEqual([]);
    expect(await list("&mode=test")).toHaveLength(1);
  });
});

describe("trying one again", () => {
  test("a delivery that failed for good is due at once, and has its whole schedule before it again", async () => {
    receiver.answer(() => ({ status: 500 }));
    await connect(shop, receiver, { events: ["payment.*"], disable_after_hours: 720 });
    await publish(payment());
    await exhaust();
    const [failed] = await list();
    expect(failed).toMatchObject({ state: "failed", attempts: 10, next_attempt_at: null });
    const again = await shop.ok<Delivery>("POST", `/v1/deliveries/${failed!.id}/retry`, {});
    expect(again).toMatchObject({ state: "due", reason: null, next_attempt_at: new Date(shop.now()).toISOString() });
    await exhaust();
    expect(await one(failed!.id)).toMatchObject({ state: "failed", attempts: 20 });
    receiver.answer(() => ({}));
    await shop.ok("POST", `/v1/deliveries/${failed!.id}/retry`, {});
    await exhaust();
    expect(await one(failed!.id)).toMatchObject({ state: "sent", attempts: 21 });
    const { json, status } = await shop.api("POST", `/v1/deliveries/${failed!.id}/retry`, {});
    expect([status, (json as { code: string }).code]).toEqual([409, "already_sent"]);
  });

  test("one that is held says by what", async () => {
    const { id } = await connect(shop, receiver);
    await shop.ok("PATCH", `/v1/connections/${id}`, { paused: true });
    await publish(payment());
    const [held] = await list();
    expect(await shop.ok("POST", `/v1/deliveries/${held!.id}/retry`, {})).toMatchObject({
      state: "due",
      held: "paused",
    });
    expect(receiver.received).toEqual([]);
  });

  test("a mail too", async () => {
    const mail = await mailServer();
    const seller = await openShop("2026-03-01T10:00:00", { smtpUrl: mail.url });
    mail.answers.push("550 5.1.1 no such mailbox");
    await seller.product({ product_id: "4be81c07", features: ["course"] });
    await seller.notify({});
    const { data } = await seller.ok<Page<Delivery>>("GET", "/v1/deliveries?transport=mail&order_id=A1B2C3D4");
    expect(data).toMatchObject([
      { transport: "mail", connection_id: null, event_id: null, type: "access_data", state: "bounced", attempts: 1 },
    ]);
    await seller.ok("POST", `/v1/deliveries/${data[0]!.id}/retry`, {});
    await seller.paybell.settle();
    expect(await seller.ok("GET", `/v1/deliveries/${data[0]!.id}`)).toMatchObject({
      state: "sent",
      to: "kim@example.com",
      tries: [{ code: expect.any(String) as string }, { code: null }],
    });
    expect(mail.received).toHaveLength(1);
  });

  test("events never show up among the mails", async () => {
    await connect(shop, receiver);
    await publish(payment());
    expect(await shop.mails()).toEqual([]);
    expect((await shop.api("GET", `/v1/mails/${(await list())[0]!.id}`)).status).toBe(404);
  });
});

describe("an event", () => {
  test("is replayed under its own id to who wants it, or to the one named", async () => {
    const second = await startReceiver();
    await connect(shop, receiver, { events: ["payment.*"] });
    const unwilling = await connect(shop, second, { events: ["access.*"] });
    await publish(payment());
    const { id } = (await shop.ok<Page<Event>>("GET", "/v1/events")).data[0]!;
    const replayed = await shop.ok<{ data: Delivery[] }>("POST", `/v1/events/${id}/replay`, {});
    expect(replayed.data).toMatchObject([{ event_id: id, state: "due", attempts: 0 }]);
    await shop.paybell.settle();
    expect(receiver.received.map(({ headers }) => headers["webhook-id"])).toEqual([id, id]);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(second.received).toEqual([]);
    await shop.ok("POST", `/v1/events/${id}/replay`, { connection_id: unwilling.id });
    await shop.paybell.settle();
    expect(second.received.map(({ headers }) => headers["webhook-id"])).toEqual([id]);
    expect(receiver.received).toHaveLength(2);
  });

  test("is not replayed to a connection of the other space, or to none", async () => {
    const { id: connectionId } = await connect(shop, receiver, { mode: "test" });
    await publish(payment());
    const { id } = (await shop.ok<Page<Event>>("GET", "/v1/events")).data[0]!;
    for (const connection_id of [connectionId, id])
      expect((await shop.api("POST", `/v1/events/${id}/replay`, { connection_id })).status).toBe(404);
    expect(await shop.ok("POST", `/v1/events/${id}/replay`, {})).toEqual({ data: [] });
  });

  test("is read by its id, and found by order and type", async () => {
    await publish(
      payment({ order_id: "a" }),
      payment({ order_id: "a", type: "order.resumed" }),
      payment({ order_id: "b" }),
    );
    const found = async (query: string) => (await shop.ok<Page<Event>>("GET", `/v1/events?${query}`)).data;
    expect(await found("order_id=a")).toHaveLength(2);
    expect(await found("order_id=a&type=order.*")).toMatchObject([{ type: "order.resumed", order_id: "a" }]);
    const [event] = await found("type=order.resumed");
    expect(await shop.ok("GET", `/v1/events/${event!.id}`)).toEqual(event);
    expect((await shop.api("GET", `/v1/events/${event!.id.replace(/.$/, "x")}`)).status).toBe(404);
  });

  test("polled while others publish is neither passed over nor read twice", async () => {
    const seen: string[] = [];
    let after = "start";
    const poll = async () => {
      const { data, last_id } = await shop.ok<Page<Event> & { last_id: string | null }>(
        "GET",
        `/v1/events?after=${after}&limit=7`,
      );
      seen.push(...data.map(({ id }) => id));
      after = last_id ?? after;
      return data.length;
    };
    const published = Array.from({ length: 40 }, async (_, n) => {
      const { id } = await shop.ok<{ id: string }>("POST", "/v1/payments", payment({ order_id: `o${n}` }));
      return id;
    });
    const progress = { done: false };
    void Promise.all(published).then(() => (progress.done = true));
    while (!progress.done) await poll();
    while ((await poll()) > 0);
    expect(seen.toSorted()).toEqual((await Promise.all(published)).toSorted());
  });

  test("that is rare is found step by step, each answer looking at a bounded number of events", async () => {
    const many = (count: number) => Array.from({ length: count }, () => payment({ order_id: "many" }));
    const rare = payment({ order_id: "rare", type: "order.resumed" });
    for (const payments of [[...many(998), rare], many(1000), [...many(300), rare, rare]])
      await shop.ok("POST", "/v1/payments", { payments });
    type Polled = Page<Event> & { last_id: string };
    const poll = (after: string, more = "") =>
      shop.ok<Polled>("GET", `/v1/events?type=order.*&after=${after}&limit=1${more}`);
    const first = await poll("start");
    expect(first.data).toMatchObject([{ order_id: "rare" }]);
    const second = await poll(first.last_id);
    expect([second.data, second.next_cursor]).toEqual([[], second.last_id]);
    const third = await poll(second.last_id);
    expect(third).toMatchObject({
      data: [{ order_id: "rare" }],
      next_cursor: third.data[0]!.id,
      last_id: third.data[0]!.id,
    });
    // The cursor goes on as `after` does.
    const last = await poll("start", `&cursor=${third.next_cursor}`);
    expect(last).toMatchObject({ data: [{ order_id: "rare" }], next_cursor: null });
    expect(await poll(last.last_id)).toEqual({ data: [], next_cursor: null, last_id: last.last_id });
  });

  test("that is forgotten still says where a poller was", async () => {
    await publish(payment({ order_id: "old" }));
    const { id } = (await shop.ok<Page<Event>>("GET", "/v1/events")).data[0]!;
    shop.set("2026-03-02T10:00:00");
    await publish(payment({ order_id: "new" }));
    const forgotten = id.replace(/.{12}$/, "000000000000");
    const { data } = await shop.ok<Page<Event>>("GET", `/v1/events?after=${forgotten}`);
    expect(data.map(({ order_id }) => order_id)).toContain("new");
  });
});

describe("orders", () => {
  test("what waits for an address is sent in the order it was published, once the address is well", async () => {
    const { id } = await connect(shop, receiver, { concurrency: 1 });
    await shop.ok("PATCH", `/v1/connections/${id}`, { disabled: true });
    for (const order_id of ["a", "b", "c"]) {
      await publish(payment({ order_id }));
      await shop.at(shop.now() + 1000);
    }
    await shop.ok("PATCH", `/v1/connections/${id}`, { disabled: false });
    await shop.paybell.settle();
    expect(orders()).toEqual(["a", "b", "c"]);
  });
});
