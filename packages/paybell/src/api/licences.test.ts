import { describe, expect, test } from "vitest";
import { type Message, openShop, type Shop } from "../testing/shop.ts";

const refund: Message = {
  event_type: "payment.refunded",
  payment_status: "successed_refunded",
  transaction_type: "refund",
};

type Licence = {
  id: string;
  key: string;
  mode: string;
  order_id: string | null;
  email: string | null;
  state: string;
  activations: { machine: string }[];
  limit: number | null;
  excess: number;
};
type Answer = { status: number; json: Record<string, unknown> & { activation?: { id: string } } };

async function sell(config: Message = { activations: 2 }, sale: Message = {}) {
  const shop = await openShop("2026-01-20");
  const product = await shop.product({
    product_id: "4be81c07",
    features: ["software"],
    licence: { pattern: "SOFT-XXXX-XXXX-XXXX", ...config },
  });
  await shop.notify(sale);
  const [licence] = await licences(shop);
  return { shop, product, licence: licence!, key: licence!.key };
}

async function licences(shop: Shop, query: Record<string, string> = {}): Promise<Licence[]> {
  return (await shop.ok<{ data: Licence[] }>("GET", `/v1/licences?${new URLSearchParams(query)}`)).data;
}

/** As the seller's software does on a buyer's machine: without any API key. */
async function ask(shop: Shop, what: string, body: unknown): Promise<Answer> {
  const response = await shop.paybell.fetch(
    new Request(`http://127.0.0.1:8787/v1/licences/${what}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
  return { status: response.status, json: (await response.json()) as Answer["json"] };
}

describe("activate", () => {
  test("the same machine again is the same activation, however the key is typed", async () => {
    const { shop, key } = await sell();
    const first = await ask(shop, "activate", { key, machine: "desk" });
    expect(first).toMatchObject({
      status: 200,
      json: { valid: true, state: "active", mode: "live", activations: { used: 1, limit: 2, excess: 0 } },
    });
    const again = await ask(shop, "activate", {
      key: ` ${key.toLowerCase().replaceAll("-", " ")} `,
      machine: "desk",
      name: "Desk",
    });
    expect(again.json.activation).toMatchObject({ id: first.json.activation!.id, machine: "desk", name: "Desk" });
    expect(again.json.activations).toMatchObject({ used: 1 });
  });

  test("a place that was freed can be taken by another machine", async () => {
    const { shop, key } = await sell({ activations: 1 });
    expect((await ask(shop, "activate", { key, machine: "desk" })).status).toBe(200);
    expect(await ask(shop, "activate", { key, machine: "laptop" })).toMatchObject({
      status: 409,
      json: { code: "activation_limit" },
    });
    expect((await ask(shop, "deactivate", { key, machine: "desk" })).json).toMatchObject({ deactivated: true });
    expect((await ask(shop, "deactivate", { key, machine: "desk" })).json).toMatchObject({ deactivated: false });
    expect((await ask(shop, "activate", { key, machine: "laptop" })).status).toBe(200);
  });

  test("of many machines racing for the last place exactly one wins", async () => {
    const { shop, key, licence } = await sell({ activations: 3 });
    await ask(shop, "activate", { key, machine: "first" });
    await ask(shop, "activate", { key, machine: "second" });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => ask(shop, "activate", { key, machine: `racer ${n}` })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ json }) => json.code === "activation_limit")).toHaveLength(7);
    const stored = await shop.ok<Licence>("GET", `/v1/licences/${licence.id}`);
    expect(stored.activations).toHaveLength(3);
  });

  test("one machine asking many times at once takes one place", async () => {
    const { shop, key } = await sell();
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask(shop, "activate", { key, machine: "desk" })));
    expect(new Set(answers.map(({ json }) => json.activation!.id)).size).toBe(1);
  });

  test("the quantity multiplies the limit, and without a limit there is none", async () => {
    const three = await sell({ activations: 2 }, { quantity: 3 });
    expect((await ask(three.shop, "activate", { key: three.key, machine: "a" })).json.activations).toMatchObject({
      limit: 6,
    });
    const free = await sell({});
    expect((await ask(free.shop, "activate", { key: free.key, machine: "a" })).json.activations).toMatchObject({
      limit: null,
    });
  });

  test("the answers hold nothing of the buyer", async () => {
    const { shop, key } = await sell();
    for (const what of ["activate", "validate", "deactivate"]) {
      const { json } = await ask(shop, what, { key, machine: "desk" });
      expect(JSON.stringify(json)).not.toMatch(/@|Kim|A1B2C3D4/);
    }
  });
});

describe("validate", () => {
  test("says what is wrong with a key instead of only that it is", async () => {
    const { shop, product, key } = await sell();
    expect((await ask(shop, "validate", { key: "SOFT-0000-0000-0000" })).json).toEqual({
      valid: false,
      state: "unknown",
    });
    expect((await ask(shop, "validate", { key, machine: "desk" })).json).toMatchObject({
      valid: false,
      state: "not_activated",
    });
    await ask(shop, "activate", { key, machine: "desk" });
    expect((await ask(shop, "validate", { key, machine: "desk", product_id: product.id })).json).toMatchObject({
      valid: true,
      state: "active",
    });
    const other = await shop.product({ name: "Other" });
    expect((await ask(shop, "validate", { key, product_id: other.id })).json).toMatchObject({ state: "unknown" });
  });

  test("a chargeback suspends the key, and the activations outlast it", async () => {
    const { shop, key } = await sell();
    await ask(shop, "activate", { key, machine: "desk" });
    await shop.at("2026-02-14");
    await shop.notify({
      event_type: "payment.charged_back",
      payment_status: "charged_back",
      transaction_type: "chargeback",
      transaction_amount: "-97.0",
      line_item_amount: "-97.0",
    });
    expect((await ask(shop, "validate", { key, machine: "desk" })).json).toMatchObject({
      valid: false,
      state: "suspended",
    });
    expect(await ask(shop, "activate", { key, machine: "desk" })).toMatchObject({
      status: 403,
      json: { code: "licence_suspended" },
    });
    expect(await licences(shop)).toMatchObject([{ state: "suspended", activations: [{ machine: "desk" }] }]);
  });

  test("a refund ends the key", async () => {
    const { shop, key } = await sell();
    await shop.notify(refund);
    expect((await ask(shop, "validate", { key })).json).toMatchObject({ valid: false, state: "ended" });
    expect(await ask(shop, "activate", { key, machine: "desk" })).toMatchObject({
      status: 403,
      json: { code: "licence_ended" },
    });
    expect(await ask(shop, "activate", { key: "no such key", machine: "desk" })).toMatchObject({
      status: 404,
      json: { code: "licence_unknown" },
    });
  });

  test("a key of the pool that was given to nobody is unknown", async () => {
    const shop = await openShop("2026-01-20");
    const product = await shop.product({ licence: {} });
    await shop.ok("POST", `/v1/products/${product.id}/keys`, { keys: ["POOL-KEY-00000001"] });
    expect((await ask(shop, "validate", { key: "POOL-KEY-00000001" })).json).toMatchObject({ state: "unknown" });
    expect(await licences(shop)).toMatchObject([{ state: "free", order_id: null, activations: [] }]);
  });

  test("a test order's key says that it is one, and a live list does not show it", async () => {
    const { shop } = await sell();
    await shop.notify({ order_id: "TEST0001", test_payment: true });
    const [test] = await licences(shop, { mode: "test" });
    expect((await ask(shop, "validate", { key: test!.key })).json).toMatchObject({ valid: true, mode: "test" });
    expect((await licences(shop)).map((licence) => licence.mode)).toEqual(["live"]);
  });

  test("another seller's API key does not find the key", async () => {
    const { shop, key } = await sell();
    const account = await shop.ok<{ id: string }>("POST", "/v1/accounts", { name: "Another shop" });
    const response = await shop.paybell.fetch(
      new Request("http://127.0.0.1:8787/v1/licences/validate", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: "Bearer pb_live_a-key-for-tests-only-0123456789",
          "paybell-account": account.id,
        },
        body: JSON.stringify({ key }),
      }),
    );
    expect(await response.json()).toEqual({ valid: false, state: "unknown" });
  });

  test("a wrong API key is refused, not taken for none", async () => {
    const { shop, key } = await sell();
    expect((await shop.api("POST", "/v1/licences/validate", { key }, "pb_live_wrong")).status).toBe(401);
  });

  test("one licence key cannot be asked for without end", async () => {
    const { shop, key } = await sell();
    const answers = [];
    for (let n = 0; n < 61; n++) answers.push((await ask(shop, "validate", { key })).status);
    expect(answers.slice(0, 60).every((status) => status === 200)).toBe(true);
    expect(answers[60]).toBe(429);
  });
});

describe("a lowered quantity", () => {
  test("throws nobody out, lets nobody in, is reported, and the report ends with its cause", async () => {
    const plan = { payment_plan: "abonnement", frequency: "monthly" };
    const { shop, key, licence } = await sell({ activations: 1 }, { ...plan, quantity: 3 });
    for (const machine of ["a", "b", "c"]) await ask(shop, "activate", { key, machine });
    await shop.at("2026-02-20");
    await shop.notify({ ...plan, rate_number: 2, quantity: 1 });
    expect(await licences(shop)).toMatchObject([{ limit: 1, excess: 2, activations: [{}, {}, {}] }]);
    expect((await ask(shop, "validate", { key, machine: "c" })).json).toMatchObject({
      valid: true,
      activations: { used: 3, limit: 1, excess: 2 },
    });
    expect((await ask(shop, "activate", { key, machine: "d" })).json).toMatchObject({ code: "activation_limit" });
    expect(await shop.alarms()).toContain("licence_over_limit");
    await ask(shop, "deactivate", { key, machine: "a" });
    await ask(shop, "deactivate", { key, machine: "b" });
    expect(await shop.ok("GET", `/v1/licences/${licence.id}`)).toMatchObject({ limit: 1, excess: 0 });
    expect(await shop.ok("GET", "/v1/alarms?open=true")).toMatchObject({ data: [] });
  });
});

test("licences are found by address, order, product and key", async () => {
  const { shop, product, licence } = await sell();
  for (const query of [
    { email: " KIM@example.com " },
    { order_id: "A1B2C3D4" },
    { product_id: product.id },
    { key: licence.key.toLowerCase() },
  ])
    expect(await licences(shop, query)).toMatchObject([{ id: licence.id, email: "kim@example.com" }]);
  for (const query of [{ email: "no@example.com" }, { order_id: "B2" }, { key: "SOFT-1" }])
    expect(await licences(shop, query)).toEqual([]);
});
