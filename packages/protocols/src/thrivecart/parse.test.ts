import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytes, plan, refund, sale, vector } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";
import { type Fields, renderForm, renderJson } from "./render.ts";

const at = (text: string) => Date.parse(text);
const eur = (minor: bigint) => ({ minor, currency: "EUR" });
const monthly = { kind: "subscription", interval: { unit: "month", count: 1 } };

function read(body: Uint8Array) {
  const parsed = parse(body);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.reading;
}

/** Read from the form; JSON has to say the same. */
function reading(fields: Fields) {
  const said = read(renderForm(fields));
  expect(read(renderJson(fields))).toEqual(said);
  return said;
}

const facts = (fields: Fields) => reading(fields).facts;
const charges = (...list: Fields[]) => sale({ order: { total: 1, charges: list } });
const course = { name: "Grundkurs", reference: 2, item_type: "product" };

const soldCourse = {
  kind: "payment",
  transactionId: "000000001",
  amount: eur(11900n),
  identity: "payment:000000001:1514394:product-2",
  productId: "product-2",
  productName: "Grundkurs",
  plan: { kind: "once" },
  happenedAt: at("2026-03-02T09:15:30Z"),
};

describe("an order", () => {
  test("as published is one payment of two products", () => {
    expect(read(bytes(vector("order-success-two-charges").body))).toEqual({
      event: "order.success",
      mode: "live",
      orderId: "1514394",
      buyer: { email: "kaeufer@example.com", firstName: "Jörg", lastName: "Müller" },
      facts: [
        {
          kind: "payment",
          transactionId: "000000001",
          amount: eur(11900n),
          identity: "payment:000000001:1514394:product-2",
          productId: "product-2",
          productName: "Grundkurs",
          happenedAt: at("2026-03-02T09:15:30Z"),
        },
        {
          kind: "payment",
          transactionId: "000000001",
          amount: eur(2900n),
          identity: "payment:000000001:1514394:bump-2",
          productId: "bump-2",
          productName: "Glasurrezepte",
          happenedAt: at("2026-03-02T09:15:30Z"),
        },
      ],
    });
  });

  test("tells who bought, when, and what was passed through", () => {
    expect(reading(sale())).toMatchObject({
      orderedOn: "2026-03-02",
      buyer: { company: "Müller Keramik", country: "DE", reference: "konto-1" },
      facts: [soldCourse, { productId: "bump-2" }],
    });
    expect(reading(sale())).not.toHaveProperty("aliases");
  });

  test.each([
    "order_created",
    "order_payment_product",
    "order_payment_bump",
    "order_payment_upsell",
    "order_payment_downsell",
  ])("told again as %s is the same money under the same identities", (event) =>
    expect(facts(sale({ event, webhook_id: "0e7b5d3a" }))).toEqual(facts(sale())),
  );

  test("a product and its bump have the same number and are two products", () => {
    expect(facts(sale()).map(({ productId }) => productId)).toEqual(["product-2", "bump-2"]);
  });

  test("several charges of one product are one payment", () => {
    const setUp = { ...course, type: "single", amount: 1000 };
    const first = { ...course, type: "recurring", frequency: "month", amount: 2900 };
    expect(facts(charges(setUp, first))).toMatchObject([{ amount: eur(3900n), plan: monthly }]);
  });

  test.each([
    ["1499", "EUR", 1499n],
    ["5", "EUR", 5n],
    [50000, "JPY", 500n],
    ["1500", "KWD", 15000n],
  ])("%s hundredths of %s are %s minor units", (amount, currency, minor) => {
    const fields = { ...charges({ ...course, amount }), currency };
    expect(facts(fields)).toMatchObject([{ amount: { minor, currency } }]);
  });

  test.each([
    ["14.99", "EUR"],
    ["1,499", "EUR"],
    ["x", "EUR"],
    [50050, "JPY"],
    [undefined, "EUR"],
  ])("an amount of %s %s waits instead of being guessed", (amount, currency) => {
    const body = renderForm({ ...charges({ ...course, amount }), currency });
    expect(parse(body)).toMatchObject({ ok: false, code: "unreadable_amount" });
  });

  test("what the buyer pays counts: the gross amount, or the tax beside the charges shared among them", () => {
    const gross = { ...course, amount: 10000, amount_gross: 11900 };
    expect(facts(charges(gross))).toMatchObject([{ amount: eur(11900n) }]);
    const bump = { ...course, item_type: "bump", amount: 5000 };
    const order = { total: 17850, tax: 2850, tax_type: "exclusive", charges: [{ ...course, amount: 10000 }, bump] };
    expect(facts(sale({ order }))).toMatchObject([{ amount: eur(11900n) }, { amount: eur(5950n) }]);
    expect(facts(sale({ order: { ...order, total: 15000 } }))).toMatchObject([
      { amount: eur(10000n) },
      { amount: eur(5000n) },
    ]);
  });

  test.each([
    [{ frequency: "month" }, monthly],
    [{ frequency: "year" }, { kind: "subscription", interval: { unit: "year", count: 1 } }],
    [
      { type: "recurring", frequency_days: 90 },
      { kind: "subscription", interval: { unit: "month", count: 3 } },
    ],
    [
      { type: "recurring", frequency_days: 10 },
      { kind: "subscription", interval: { unit: "day", count: 10 } },
    ],
    [{ type: "recurring", remaining_rebills: 2 }, { kind: "instalments" }],
    [{ type: "recurring", frequency: "null" }, { kind: "subscription" }],
    [{ type: "single" }, { kind: "once" }],
    [{}, undefined],
  ])("a charge with %j has the plan %j", (more, expected) => {
    expect(facts(charges({ ...course, amount: 100, ...more }))[0]?.plan).toEqual(expected);
  });

  test("that lists no charges is one of its main product", () => {
    expect(facts(sale({ order: { total: 9700 } }))).toMatchObject([
      { productId: "product-2", productName: "Grundkurs", amount: eur(9700n) },
    ]);
    expect(parse(renderForm(sale({ order: {} })))).toMatchObject({ code: "unreadable_product" });
  });

  test("for nothing is a payment of nothing, and one charged later is a trial until then", () => {
    expect(facts(charges({ ...course, amount: 0 }))).toMatchObject([{ kind: "payment", amount: eur(0n) }]);
    const later = { ...course, amount: 2900, frequency: "month", due: "2026-03-16T09:15:30+00:00" };
    const trial = {
      kind: "trial",
      to: { at: at("2026-03-16T09:15:30Z") },
      identity: "trial:1514394:product-2",
      productId: "product-2",
      plan: monthly,
    };
    const free = { ...course, amount: 0 };
    for (const order of [
      { total: 0, future_charges: [later] },
      { total: 0, charges: [free], future_charges: [later] },
      { total: 0, charges: [{ ...later, defer: "true", defer_date: later.due }] },
    ]) {
      expect(facts(sale({ order }))).toMatchObject([trial]);
    }
  });

  test("whose rates are still to come is paid for today's", () => {
    const order = {
      total: 2900,
      charges: [{ ...course, amount: 2900 }],
      future_charges: [{ ...course, amount: 2900, due: 1775121600 }],
    };
    expect(facts(sale({ order })).map(({ kind }) => kind)).toEqual(["payment"]);
  });

  test.each([
    ["customer", { customer: { name: "Jörg" } }, "unreadable_customer_email"],
    ["order_id", { order_id: undefined }, "unreadable_order_id"],
    ["currency", { currency: "XXX" }, "unreadable_currency"],
    ["event", { event: undefined }, "unreadable_event"],
  ])("whose %s cannot be read waits", (_, changes, code) => {
    expect(parse(renderForm(sale(changes)))).toMatchObject({ ok: false, code });
  });
});

describe("a test", () => {
  test.each([
    [{ mode: "test", mode_int: 1 }, "test"],
    [{ mode: undefined, mode_int: 1 }, "test"],
    [{ mode: "test", mode_int: undefined }, "test"],
    [{ mode: "test", mode_int: 2 }, "test"],
    [{ mode: undefined, mode_int: 2 }, "live"],
    [{ mode: undefined, mode_int: undefined }, undefined],
  ])("is known by any sign: %j is %s", (changes, mode) => expect(reading(sale(changes)).mode).toBe(mode));
});

describe("a plan", () => {
  const common = {
    productId: "upsell-7",
    productName: "Werkstatt",
    plan: monthly,
    happenedAt: at("2026-04-02T09:20:00Z"),
  };

  test.each(["order.subscription_payment", "order_rebill"])(
    "is renewed by %s, without the charges of its order",
    (event) => {
      expect(reading(plan(event))).toMatchObject({
        orderId: "1514394",
        aliases: ["subscription I-TESTPLAN"],
        facts: [
          {
            ...common,
            kind: "payment",
            transactionId: "000000001-2",
            amount: eur(2900n),
            identity: "payment:000000001-2:1514394:upsell-7:rebill",
          },
        ],
      });
    },
  );

  test("renewed under the invoice of its order is paid for once more", () => {
    const [first] = facts(charges({ ...course, amount: 2900 }));
    const renewal = plan("order.subscription_payment", { type: "product", id: 2 }, { invoice_id: "000000001" });
    expect(facts(renewal)[0]?.identity).not.toBe(first?.identity);
  });

  test("renewed at a time it does not tell was not renewed when the order was placed", () => {
    const untold = plan("order.subscription_payment", {}, { date_iso8601: undefined, date_unix: undefined });
    expect(facts(untold)[0]).not.toHaveProperty("happenedAt");
  });

  test("that names no order is known by its subscription", () => {
    const fields = plan("order_rebill", {}, { order_id: undefined });
    expect(reading(fields)).toMatchObject({ aliases: ["subscription I-TESTPLAN"] });
    expect(reading(fields)).not.toHaveProperty("orderId");
  });

  test("is tied to its order by any map of subscriptions", () => {
    const fields = sale({ subscriptions: { "product-2": "I-ONE" }, subscription_ids: { "bump-2": "I-TWO" } });
    expect(reading(fields).aliases).toEqual(["subscription I-ONE", "subscription I-TWO"]);
  });

  test("whose payment names neither invoice nor time waits", () => {
    const fields = plan("order_rebill", {}, { invoice_id: undefined, date_iso8601: undefined, date_unix: undefined });
    expect(parse(renderForm(fields))).toMatchObject({ ok: false, code: "unreadable_invoice" });
    expect(facts({ ...fields, webhook_id: "w-1" })).toMatchObject([{ transactionId: "1514394 w-1" }]);
  });

  test.each(["order.rebill_failed", "order_rebill_failed"])("has a payment that failed: %s", (event) => {
    expect(facts(plan(event))).toEqual([
      {
        ...common,
        kind: "payment_failed",
        transactionId: "000000001-2",
        identity: "payment_failed:1514394:upsell-7:2026-04-02T09%3A20%3A00.000Z",
      },
    ]);
  });

  test.each([
    "order.subscription_cancelled",
    "order_rebill_cancelled",
    "order.subscription_paused",
    "subscription_paused",
  ])("is stopped by %s, and runs to the end of what was paid", (event) => {
    expect(facts(plan(event))).toEqual([
      {
        ...common,
        kind: "cancelled",
        for: { at: at("2026-05-02T09:20:00Z") },
        chosenByVendor: false,
        identity: "cancelled:1514394:upsell-7:2026-04-02T09%3A20%3A00.000Z",
      },
    ]);
    const open = plan(event, { billing_period_end: null, billing_period_end_iso8601: null });
    expect(facts(open)[0]).not.toHaveProperty("for");
  });

  test.each(["order.subscription_resumed", "subscription_resumed"])("goes on after %s", (event) => {
    expect(facts(plan(event))).toMatchObject([{ ...common, kind: "resumed" }]);
  });

  test("paused and resumed twice is told four times apart", () => {
    const [one, two] = ["2026-04-02T09:20:00+00:00", "2026-05-02T09:20:00+00:00"];
    const all = [one, two].flatMap((date_iso8601) =>
      ["subscription_paused", "subscription_resumed"].flatMap((event) => facts(plan(event, {}, { date_iso8601 }))),
    );
    expect(new Set(all.map(({ identity }) => identity)).size).toBe(4);
  });

  test("knows its product by its own id, or where that is the processor's, by the product's", () => {
    expect(facts(plan("order_rebill", { id: "sub_1Nx", product_id: 31 }))[0]?.productId).toBe("upsell-31");
    expect(facts(plan("order_rebill", { id: null, product_id: null }))[0]?.productId).toBe("product-2");
    const mapped = plan("order_rebill", { id: null, product_id: null }, { purchase_map: ["bump-9"] });
    expect(facts(mapped)[0]?.productId).toBe("bump-9");
  });

  test("is complete without a word on money", () => expect(facts(plan("order_rebill_completed"))).toEqual([]));
});

describe("a refund", () => {
  test.each(["order.refund", "order_refund_bump"])("told as %s concerns its item alone", (event) => {
    expect(reading(refund({}, { event }))).toMatchObject({
      orderId: "1514394",
      facts: [
        {
          kind: "refund",
          transactionId: "000000001",
          amount: eur(2900n),
          identity: "refund:000000001:1514394:bump-2:2900:2026-03-09T10%3A00%3A00.000Z",
          productId: "bump-2",
          happenedAt: at("2026-03-09T10:00:00Z"),
        },
      ],
    });
  });
  test("does not name a payment it cannot know", () => expect(facts(refund())[0]).not.toHaveProperty("refunds"));
  test("without its item is one of the whole order", () =>
    expect(facts(refund({ type: null, id: null }))).toMatchObject([{ productId: "", amount: eur(2900n) }]));
  test("without an amount waits", () =>
    expect(parse(renderForm(refund({ amount: null })))).toMatchObject({ code: "unreadable_amount" }));
  test("in two parts is two facts", () => {
    const [one, two] = [refund(), refund({}, { date_iso8601: "2026-03-10T10:00:00+00:00" })].map(facts);
    expect(one?.[0]?.identity).not.toBe(two?.[0]?.identity);
  });
});

test.each(["cart.abandoned", "affiliate.commission_earned", "customer_updated", "something.new"])(
  "%s is read and says nothing",
  (event) => {
    expect(reading({ event, customer: { email: "kaeufer@example.com" } })).toEqual({ event, facts: [] });
  },
);

test("a form is read as PHP reads it", () => {
  const form = (text: string) =>
    read(bytes(`event=order.refund&currency=EUR&customer[email]=a@example.com&order_id=1&${text}`));
  expect(form("refund[amount]=1&refund[amount]=200&refund[type]=bump&refund[id]=3")).toMatchObject({
    facts: [{ amount: eur(200n), productId: "bump-3" }],
  });
  expect(form("refund%5Bamount%5D=200&purchase_map[]=product-5").facts).toMatchObject([{ productId: "product-5" }]);
  expect(form("refund=x&refund[amount]=200&__proto__[amount]=1&refund[__proto__][type]=bump&[x]=1")).toMatchObject({
    facts: [{ amount: eur(200n), productId: "" }],
  });
});

test("no bytes make parsing throw", () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null));
  const nested = fc.dictionary(fc.constantFrom("amount", "id", "type", "total", "charges", "0", "due"), value);
  const message = fc.record(
    {
      ...Object.fromEntries(Object.keys(sale()).map((name) => [name, fc.oneof(value, nested)])),
      event: fc.constantFrom("order.success", "order.refund", "order_rebill", "subscription_paused"),
    },
    { requiredKeys: ["event"] },
  );
  const any = fc.oneof(
    fc.uint8Array().map((data) => new Uint8Array(data)),
    fc.oneof(fc.json(), fc.string({ unit: "binary" })).map(bytes),
    message.map((fields) => bytes(JSON.stringify(fields))),
  );
  fc.assert(
    fc.property(any, (body) => {
      expect(typeof parse(body).ok).toBe("boolean");
    }),
  );
});
