import { beforeAll, describe, expect, test } from "vitest";
import { payment } from "../testing/payment.ts";
import { apiKey, openShop, type Shop } from "../testing/shop.ts";

let shop: Shop;

beforeAll(async () => {
  shop = await openShop("2026-03-01T10:00:00", { newConnection: false });
});

type Asking = { key?: string; header?: string; account?: string };

async function publish(body: unknown, { key = apiKey, header, account }: Asking = {}, query = "") {
  const response = await shop.paybell.fetch(
    new Request(`http://127.0.0.1:8787/v1/payments${query}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        ...(header && { "idempotency-key": header }),
        ...(account && { "paybell-account": account }),
      },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );
  return {
    status: response.status,
    replayed: response.headers.get("idempotency-replayed"),
    json: (await response.json()) as Published & Problem & { data: (Published & { error?: Problem })[] },
  };
}

type Published = { id: string; key: string | null; type: string; at: string; repeated: boolean };
type Problem = { code: string; detail: string; errors: { path: string; message: string }[] };
type Event = { id: string; type: string; at: string; order_id: string; mode: string; data: Record<string, unknown> };

async function events(query = ""): Promise<Event[]> {
  return (await shop.ok<{ data: Event[] }>("GET", `/v1/events?limit=200${query}`)).data;
}

describe("one payment", () => {
  test("becomes an event with the payment's data, of the kind the key is for", async () => {
    const { status, json } = await publish(payment({ order_id: "one", happened_at: "2026-03-01T10:00:00+01:00" }));
    expect(status).toBe(201);
    expect(json).toEqual({
      id: expect.any(String) as string,
      key: null,
      type: "payment.made",
      at: "2026-03-01T09:00:00.000Z",
      repeated: false,
    });
    expect(await shop.ok("GET", `/v1/events/${json.id}`)).toMatchObject({
      type: "payment.made",
      mode: "live",
      at: "2026-03-01T09:00:00.000Z",
      order_id: "one",
      data: { order_id: "one", amount: { minor: 9700, currency: "EUR" }, test: false },
    });
  });

  test("without a key is published as often as it is sent", async () => {
    const first = await publish(payment({ order_id: "often" }));
    const second = await publish(payment({ order_id: "often" }));
    expect(second.json.id).not.toBe(first.json.id);
    expect(await events("&order_id=often")).toHaveLength(2);
  });

  test.each([
    ["its own", payment({ order_id: "k-own", key: "own" }), undefined],
    ["the header's", payment({ order_id: "k-header" }), "header"],
  ])("under %s key is published once, however often and in whatever spelling it comes", async (_, body, header) => {
    const first = await publish(body, header ? { header } : {});
    const again = await publish(Object.fromEntries(Object.entries(body).toReversed()), header ? { header } : {});
    expect([first.replayed, again.replayed]).toEqual([null, "true"]);
    expect(again.status).toBe(first.status);
    expect(again.json).toEqual({ ...first.json, repeated: true });
    expect(await events(`&order_id=${String(body.order_id)}`)).toHaveLength(1);
  });

  test("under one key from ten requests at once is published once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => publish(payment({ order_id: "at-once", key: "at-once" }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(answers.filter(({ json }) => !json.repeated)).toHaveLength(1);
    expect(await events("&order_id=at-once")).toHaveLength(1);
  });

  test("with other content under a used key is refused, and nothing of it is published", async () => {
    await publish(payment({ order_id: "reused", key: "reused" }));
    const { status, json } = await publish(payment({ order_id: "reused", key: "reused", transaction_id: "t-2" }));
    expect([status, json.code]).toEqual([422, "idempotency_key_reused"]);
    expect(await events("&order_id=reused")).toHaveLength(1);
  });

  test("is answered the same 30 days later", async () => {
    const first = await publish(payment({ order_id: "month", key: "month" }));
    const before = shop.now();
    await shop.at(before + 30 * 86_400_000);
    const again = await publish(payment({ order_id: "month", key: "month" }));
    await shop.at(before);
    expect(again.json).toEqual({ ...first.json, repeated: true });
  });
});

describe("a batch", () => {
  test("answers each payment in its place, by its key, its position under the header's key, or none", async () => {
    const body = { payments: [payment({ order_id: "b", key: "b-own" }), payment({ order_id: "b" })] };
    const first = await publish(body, { header: "b-header" });
    expect(first.status).toBe(201);
    expect(first.json.data.map(({ key, repeated }) => [key, repeated])).toEqual([
      ["b-own", false],
      ["b-header 1", false],
    ]);
    const again = await publish(body, { header: "b-header" });
    expect(again.json.data).toEqual(first.json.data.map((one) => ({ ...one, repeated: true })));
    expect(await events("&order_id=b")).toHaveLength(2);
  });

  test("says which payment came under a used key with other content, and publishes the rest", async () => {
    await publish(payment({ order_id: "c", key: "c-1" }));
    const { status, json } = await publish({
      payments: [payment({ order_id: "c", key: "c-1", quantity: 2 }), payment({ order_id: "c", key: "c-2" })],
    });
    expect(status).toBe(201);
    expect(json.data).toMatchObject([
      { key: "c-1", error: { code: "idempotency_key_reused" } },
      { key: "c-2", repeated: false },
    ]);
    expect(await events("&order_id=c")).toHaveLength(2);
  });

  test("of 1,000 is published whole, and of 1,001 not at all", async () => {
    const many = (count: number, order_id: string) =>
      Array.from({ length: count }, (_, n) =>
        payment({ order_id, key: `${order_id}-${n}`, reference: "x".repeat(900) }),
      );
    const { status, json } = await publish({ payments: many(1000, "thousand") });
    expect([status, new Set(json.data.map(({ id }) => id)).size]).toEqual([201, 1000]);
    expect((await publish({ payments: many(1001, "more") })).status).toBe(422);
    expect(await events("&order_id=more")).toEqual([]);
  });

  test("with one faulty payment publishes nothing and names the field", async () => {
    const { status, json } = await publish({
      payments: [payment({ order_id: "d" }), payment({ order_id: "d", amount: { minor: 1.5, currency: "EUR" } })],
    });
    expect([status, json.errors[0]!.path]).toEqual([422, "payments.1.amount.minor"]);
    expect(await events("&order_id=d")).toEqual([]);
  });
});

describe("what does not fit is refused by the field's name", () => {
  test.each<[string, Record<string, unknown>]>([
    ["colour", { colour: "red" }],
    ["buyer.phone", { buyer: { email: "kim@example.com", phone: "1" } }],
    ["buyer.email", { buyer: { email: "kim" } }],
    ["buyer.country", { buyer: { email: "kim@example.com", country: "DEU" } }],
    ["amount.currency", { amount: { minor: 1, currency: "EURO" } }],
    ["amount.currency", { amount: { minor: 1, currency: "XXY" } }],
    ["amount.minor", { amount: { minor: 0, currency: "EUR" } }],
    ["amount.minor", { amount: { minor: "9700", currency: "EUR" } }],
    ["amount.minor", { amount: { minor: 2 ** 53, currency: "EUR" } }],
    ["amount", { amount: null }],
    ["transaction_id", { transaction_id: undefined }],
    ["transaction_id", { type: "payment.disputed", transaction_id: null }],
    ["ends_at", { type: "order.trial_started", ends_at: null }],
    ["tax_minor", { tax_minor: 9701 }],
    ["type", { type: "payment.thought_about" }],
    ["order_id", { order_id: "" }],
    ["order_id", { order_id: 7 }],
    ["order_id", { order_id: "a\u0000b" }],
    ["reference", { reference: "half a pair: \ud83d" }],
    ["happened_at", { happened_at: undefined }],
    ["happened_at", { happened_at: "2026-03-01T09:00:00" }],
    ["happened_at", { happened_at: "2026-02-30T09:00:00Z" }],
    ["next_payment_at", { next_payment_at: "2026-02-30" }],
    ["plan.kind", { plan: { kind: "gift" } }],
    ["key", { key: "with a blank" }],
    ["test", { test: true }],
  ])("%s: %j", async (path, fields) => {
    const { status, json } = await publish(payment(fields));
    expect([status, [...new Set(json.errors.map((error) => error.path))]]).toEqual([422, [path]]);
  });

  test.each<[string, (whole: Record<string, unknown>) => unknown]>([
    ["type", (whole) => ({ ...whole, type: undefined })],
    ["order_id", (whole) => ({ ...whole, order_id: undefined })],
    ["happened_at", (whole) => ({ ...whole, happened_at: undefined })],
    ["product", (whole) => ({ ...whole, product: undefined })],
    ["product.id", (whole) => ({ ...whole, product: { name: "Club" } })],
    ["buyer.email", (whole) => ({ ...whole, buyer: {} })],
    ["plan.kind", (whole) => ({ ...whole, plan: {} })],
    ["plan.interval.unit", (whole) => ({ ...whole, plan: { kind: "subscription", interval: { count: 1 } } })],
    ["amount.currency", (whole) => ({ ...whole, amount: { minor: 1 } })],
    ["payments.0.order_id", (whole) => ({ payments: [{ ...whole, order_id: undefined }] })],
    ["payments.0.buyer.email", (whole) => ({ payments: [{ ...whole, buyer: {} }] })],
  ])("%s that is not there is said to be missing", async (path, without) => {
    const { status, json } = await publish(without(payment()));
    expect(status).toBe(422);
    expect(json.errors).toEqual([{ path, message: "is missing" }]);
    expect(json.detail).toBe(`The body does not fit: ${path} is missing.`);
  });

  test("what this type alone needs is said to be missing, and why", async () => {
    const { json } = await publish(payment({ amount: null }));
    expect(json.detail).toBe("The body does not fit: amount is missing: payment.made needs it.");
  });

  test("null where a value is needed is named as such", async () => {
    const { json } = await publish(payment({ order_id: null }));
    expect(json.detail).toBe("The body does not fit: order_id must not be null.");
  });

  test("a malformed Idempotency-Key is refused", async () => {
    expect((await publish(payment(), { header: "a b" })).json.code).toBe("idempotency_key_malformed");
  });
});

describe("who may publish what", () => {
  async function newKey(body: object, account?: string): Promise<string> {
    const response = await shop.paybell.fetch(
      new Request("http://127.0.0.1:8787/v1/keys", {
        method: "POST",
        headers: {
          authorization: `Bearer ${apiKey}`,
          "content-type": "application/json",
          ...(account && { "paybell-account": account }),
        },
        body: JSON.stringify({ name: "key", ...body }),
      }),
    );
    return ((await response.json()) as { key: string }).key;
  }

  test("a reading key may not", async () => {
    const key = await newKey({ scope: "read" });
    expect(await publish(payment(), { key })).toMatchObject({ status: 403, json: { code: "scope_missing" } });
  });

  test("a test key publishes tests, which live lists do not show", async () => {
    const key = await newKey({ scope: "write", mode: "test" });
    expect((await publish(payment({ order_id: "test-key" }), { key })).status).toBe(201);
    expect(await events("&order_id=test-key")).toEqual([]);
    expect(await events("&order_id=test-key&mode=test")).toMatchObject([{ mode: "test", data: { test: true } }]);
    expect((await publish(payment({ test: false }), { key })).json.code).toBe("mode_mismatch");
  });

  test("a live key publishes tests where it says so twice, or once in the address", async () => {
    expect((await publish(payment({ order_id: "m", test: true }))).json.code).toBe("mode_mismatch");
    expect((await publish(payment({ order_id: "m", test: true }), {}, "?mode=test")).status).toBe(201);
    expect((await publish(payment({ order_id: "m" }), {}, "?mode=test")).status).toBe(201);
    expect(await events("&order_id=m&mode=test")).toHaveLength(2);
  });

  test("a platform publishes for an account it made, under keys that are that account's own", async () => {
    const { id } = await shop.ok<{ id: string }>("POST", "/v1/accounts", { name: "Seller" });
    const mine = await publish(payment({ order_id: "p", key: "p" }));
    const theirs = await publish(payment({ order_id: "p", key: "p" }), { account: id });
    expect([theirs.status, theirs.json.repeated]).toEqual([201, false]);
    expect(theirs.json.id).not.toBe(mine.json.id);
    expect(await events("&order_id=p")).toHaveLength(1);
    const key = await newKey({ scope: "read" }, id);
    expect((await shop.api("GET", "/v1/events?order_id=p", undefined, key)).json).toMatchObject({
      data: [{ id: theirs.json.id }],
    });
  });

  test("among many keys at once each is its own account's, and a revoked one opens nothing", async () => {
    const made = await Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        const { id } = await shop.ok<{ id: string }>("POST", "/v1/accounts", { name: `Seller ${n}` });
        return newKey({ scope: "owner" }, id);
      }),
    );
    const asked = [...made, "pb_live_nobody", ...made];
    const answers = await Promise.all(asked.map((key) => shop.api("GET", "/v1/account", undefined, key)));
    const sellers = [0, 1, 2, 3, 4, 5].map((n) => `Seller ${n}`);
    expect(answers.map(({ json }) => (json as { name?: string }).name)).toEqual([...sellers, undefined, ...sellers]);
    const { key, id } = await shop.ok<{ key: string; id: string }>("POST", "/v1/keys", { name: "x", scope: "write" });
    expect((await publish(payment({ order_id: "revoked" }), { key })).status).toBe(201);
    await shop.ok("DELETE", `/v1/keys/${id}`);
    expect((await publish(payment({ order_id: "revoked" }), { key })).status).toBe(401);
  });
});

test.each([
  ["happened_at", "yesterday"],
  ["happened_at", ""],
  ["happened_at", "2026-13-01T09:00:00Z"],
  ["happened_at", "2026-03-01T23:59:60Z"],
  ["next_payment_at", "22.12.2026"],
  ["ends_at", "2026-12-32"],
  ["ordered_at", "x"],
])("%s of %j is refused by its name", async (field, value) => {
  const shop = await openShop("2026-03-01T10:00:00", { newConnection: false });
  const { status, json } = await shop.api("POST", "/v1/payments", payment({ [field]: value }));
  expect([status, (json as { errors: { path: string }[] }).errors[0]!.path]).toEqual([422, field]);
});

test("a field that is null is as one that is missing, also under a key", async () => {
  const shop = await openShop("2026-03-01T10:00:00", { newConnection: false });
  const first = await shop.ok<{ id: string }>("POST", "/v1/payments", payment({ key: "k1" }));
  const again = payment({ key: "k1", reference: null, quantity: null });
  expect(await shop.ok("POST", "/v1/payments", again)).toMatchObject({ id: first.id, repeated: true });
});
