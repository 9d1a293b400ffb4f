import { expect, test } from "vitest";
import {
  created,
  createdAt,
  day,
  eur,
  event,
  facts,
  invoice,
  line,
  periodEnd,
  reading,
  subscription,
} from "./fixtures/events.ts";
import { bytes, vector } from "./fixtures/vectors.ts";

const paid = "invoice.paid";
const end = (created + 31 * day) * 1000;
const monthly = { kind: "subscription", interval: { unit: "month", count: 1 } };

/** A line as versions before basil write it. */
const oldLine = (product: unknown, amount: number, changes: object = {}) =>
  line("x", amount, {
    parent: undefined,
    pricing: undefined,
    taxes: undefined,
    type: "subscription",
    proration: false,
    price: {
      id: "price_1",
      product,
      type: "recurring",
      unit_amount: 2900,
      recurring: { interval: "month", interval_count: 1 },
    },
    tax_amounts: [],
    ...changes,
  });

test("a paid invoice is a payment of its subscription, due again when its lines end", () => {
  expect(reading(event(paid, invoice([line("prod_A", 2900)])))).toEqual({
    event: paid,
    mode: "live",
    orderId: "sub_1",
    aliases: ["in_1"],
    buyer: { email: "jo@example.com", firstName: "Jo", lastName: "Sommer", country: "DE" },
    facts: [
      {
        kind: "payment",
        transactionId: "in_1",
        amount: eur(2900n),
        next: { at: end },
        identity: "payment:in_1:prod_A",
        productId: "prod_A",
        productName: "Club prod_A",
        quantity: 1,
        happenedAt: createdAt - 3000,
        plan: { kind: "subscription" },
      },
    ],
  });
});

test("the published renewal is read", () => {
  const said = reading(bytes(vector("invoice-paid-pretty-printed").body));
  expect(said).toMatchObject({
    mode: "test",
    orderId: "sub_1T3",
    aliases: ["in_1T2"],
    buyer: { email: "abo@example.com" },
  });
  expect(said.facts).toMatchObject([
    { kind: "payment", transactionId: "in_1T2", productId: "prod_T1", amount: eur(2900n), next: { at: 1775121330000 } },
  ]);
});

test("an invoice of before basil says the same from its old places", () => {
  const old = invoice([oldLine({ id: "prod_A", name: "Club" }, 2900, { subscription: "sub_1" })], {
    parent: undefined,
    subscription: { id: "sub_1" },
    payment_intent: { id: "pi_9" },
    charge: "ch_9",
  });
  const said = reading(event(paid, old, { api_version: "2022-11-15" }));
  expect(said).toMatchObject({ orderId: "sub_1", aliases: ["in_1", "pi_9", "ch_9"] });
  expect(said.facts).toMatchObject([
    { identity: "payment:in_1:prod_A", productName: "Club", next: { at: end }, plan: monthly, amount: eur(2900n) },
  ]);
});

test("invoice.payment_succeeded is the same fact as invoice.paid", () => {
  const object = invoice([line("prod_A", 2900)]);
  expect(facts("invoice.payment_succeeded", object)).toEqual(facts(paid, object));
});

test("expanded payments of an invoice tie their ids to the order", () => {
  const payments = { data: [{ payment: { type: "payment_intent", payment_intent: "pi_9" } }] };
  expect(reading(event(paid, invoice([line("prod_A", 2900)], { payments }))).aliases).toEqual(["in_1", "pi_9"]);
});

test("several products share what was paid by what their lines cost with discount and tax", () => {
  const lines = [
    line("prod_A", 1000, { discount_amounts: [{ amount: 500 }], taxes: [{ amount: 95, tax_behavior: "exclusive" }] }),
    line("prod_B", 2000, { taxes: [{ amount: 319, tax_behavior: "inclusive" }] }),
    line("prod_B", 405),
  ];
  expect(facts(paid, invoice(lines, { amount_paid: 3000 }))).toMatchObject([
    { productId: "prod_A", amount: eur(595n) },
    { productId: "prod_B", amount: eur(2405n) },
  ]);
});

test("tax of before basil counts on top where it is not included", () => {
  const lines = [
    oldLine("prod_A", 1000, { tax_amounts: [{ amount: 190, inclusive: false }] }),
    oldLine("prod_B", 1000, { tax_amounts: [{ amount: 160, inclusive: true }] }),
  ];
  expect(facts(paid, invoice(lines, { amount_paid: 2190, subscription: "sub_1", parent: undefined }))).toMatchObject([
    { amount: eur(1190n) },
    { amount: eur(1000n) },
  ]);
});

test("on an upgrade the money belongs to the new product, and the old one's credit to nobody", () => {
  const proration = { subscription_item_details: { proration: true, subscription: "sub_1" } };
  const lines = [
    line("prod_A", -1500, { parent: { type: "subscription_item_details", ...proration } }),
    line("prod_B", 2500, { parent: { type: "subscription_item_details", ...proration }, quantity: 3 }),
  ];
  const upgrade = invoice(lines, { amount_paid: 1000, billing_reason: "subscription_update" });
  expect(facts(paid, upgrade)).toMatchObject([
    { productId: "prod_B", amount: eur(1000n), next: { at: end }, quantity: 3 },
  ]);
});

test("an invoice covered by credit is a payment of nothing that covers its period", () => {
  const covered = invoice([line("prod_A", 2900)], { amount_paid: 0, amount_due: 0 });
  expect(facts(paid, covered)).toMatchObject([{ kind: "payment", amount: eur(0n), next: { at: end } }]);
});

test("what was settled outside of Stripe counts with what was due", () => {
  const outside = invoice([line("prod_A", 2900)], { amount_paid: 0, amount_due: 2900, paid_out_of_band: true });
  expect(facts(paid, outside)).toMatchObject([{ amount: eur(2900n) }]);
});

test("the start of a trial is a trial, the same from the invoice and from the subscription", () => {
  const trial = { start: created, end: periodEnd };
  const start = { amount_paid: 0, amount_due: 0, billing_reason: "subscription_create" };
  const description = "Trial period for Club";
  const fromInvoice = facts(paid, invoice([line("prod_A", 0, { period: trial, description })], start));
  const [fromSubscription] = facts(
    "customer.subscription.created",
    subscription({ status: "trialing", trial_start: created, trial_end: periodEnd }),
  );
  expect(fromInvoice).toMatchObject([
    { kind: "trial", to: { at: periodEnd * 1000 }, happenedAt: createdAt, productName: "Club" },
  ]);
  expect(fromInvoice[0]?.identity).toBe(fromSubscription?.identity);
  expect(fromInvoice[0]?.happenedAt).toBe(fromSubscription?.happenedAt);
});

test("a fee beside a trial is a payment once, and the trial stays one", () => {
  const fee = line("prod_F", 500, {
    parent: { type: "invoice_item_details", invoice_item_details: { proration: false } },
  });
  const start = { amount_paid: 500, amount_due: 500, billing_reason: "subscription_create" };
  const said = facts(paid, invoice([line("prod_A", 0), fee], start));
  expect(said).toMatchObject([
    { kind: "trial", productId: "prod_A" },
    { kind: "payment", productId: "prod_F", amount: eur(500n), plan: { kind: "once" } },
  ]);
  expect(said[1]).not.toHaveProperty("next");
});

test.each([
  ["a later invoice", "subscription_cycle", line("prod_A", 0)],
  ["a discount of everything", "subscription_create", line("prod_A", 2900, { discount_amounts: [{ amount: 2900 }] })],
  ["a price of nothing", "subscription_create", oldLine("prod_A", 0, { price: { product: "prod_A", unit_amount: 0 } })],
])("%s over nothing is no trial but a payment of nothing", (_, billing_reason, one) => {
  const object = invoice([one], { amount_paid: 0, amount_due: 0, billing_reason });
  expect(facts(paid, object)).toMatchObject([{ kind: "payment", productId: "prod_A", amount: eur(0n) }]);
});

test("usage is charged when it is over, so its period is not the next due date", () => {
  const over = line("prod_A", 700, { period: { start: created - 30 * day, end: created - 3600 } });
  expect(facts(paid, invoice([over], { amount_paid: 700 }))[0]).not.toHaveProperty("next");
});

test("the tiers of one price add up to one quantity", () => {
  const lines = [line("prod_A", 1000, { quantity: 5 }), line("prod_A", 600, { quantity: 3 })];
  expect(facts(paid, invoice(lines, { amount_paid: 1600 }))).toMatchObject([{ quantity: 8, amount: eur(1600n) }]);
});

test("a failed payment is a fact for each attempt", () => {
  const failed = (attempt_count: number) =>
    facts("invoice.payment_failed", invoice([line("prod_A", 2900)], { attempt_count, amount_paid: 0, status: "open" }));
  expect(failed(1)).toMatchObject([
    { kind: "payment_failed", transactionId: "in_1", productId: "prod_A", happenedAt: createdAt },
  ]);
  expect(failed(1)[0]?.identity).toBe(failed(1)[0]?.identity);
  expect(failed(2)[0]?.identity).not.toBe(failed(1)[0]?.identity);
});

test("an invoice without a subscription is a sale paid once, known by its own id", () => {
  const one = line("prod_A", 2900, {
    parent: { type: "invoice_item_details", invoice_item_details: {} },
    description: "Kurs",
  });
  const said = reading(event(paid, invoice([one], { parent: null, billing_reason: "manual" })));
  expect(said.orderId).toBe("in_1");
  expect(said.aliases).toBeUndefined();
  expect(said.facts).toMatchObject([{ kind: "payment", productName: "Kurs", plan: { kind: "once" } }]);
  expect(said.facts[0]).not.toHaveProperty("next");
});

test("a subscription that lines alone name is found there", () => {
  const { orderId } = reading(event(paid, invoice([line("prod_A", 2900)], { parent: null })));
  expect(orderId).toBe("sub_1");
});

test.each([
  [{ metadata: { product_id: "l" } }, { product_id: "i" }, { product_id: "s" }, "l"],
  [{}, { product_id: "i" }, { product_id: "s" }, "i"],
  [{}, {}, { product: "s" }, "s"],
  [{}, {}, {}, "invoice"],
])("a line that names no product has that of metadata: %j %j %j", (own, metadata, ofSubscription, productId) => {
  const bare = line("x", 2900, { pricing: null, ...own });
  const parent = { subscription_details: { subscription: "sub_1", metadata: ofSubscription } };
  expect(facts(paid, invoice([bare], { metadata, parent }))).toMatchObject([{ productId }]);
});

test("money without any line is a payment all the same", () => {
  expect(facts(paid, invoice([]))).toMatchObject([{ productId: "invoice", amount: eur(2900n) }]);
});

test("a reference in the subscription's metadata is the buyer's", () => {
  const parent = { subscription_details: { subscription: "sub_1", metadata: { client_reference_id: "u-42" } } };
  const { buyer } = reading(event(paid, invoice([line("prod_A", 2900)], { parent })));
  expect(buyer?.reference).toBe("u-42");
});

test.each([
  "invoice.created",
  "invoice.finalized",
  "invoice.upcoming",
  "invoice.voided",
  "invoice.payment_action_required",
])("%s says nothing", (type) => {
  expect(reading(event(type, invoice([line("prod_A", 2900)])))).toMatchObject({ orderId: "sub_1", facts: [] });
});

test.each([{ currency: null }, { amount_paid: "29.00" }, { amount_paid: null, amount_due: null }, { id: null }])(
  "an invoice that cannot be read waits: %j",
  (changes) => {
    expect(() => facts(paid, invoice([line("prod_A", 2900)], changes))).toThrow();
  },
);

test("amounts of a currency without places are whole units", () => {
  expect(facts(paid, invoice([line("prod_A", 500)], { amount_paid: 500, currency: "jpy" }))).toMatchObject([
    { amount: { minor: 500n, currency: "JPY" } },
  ]);
});
