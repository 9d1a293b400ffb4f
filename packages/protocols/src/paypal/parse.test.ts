import * as fc from "fast-check";
import { expect, test } from "vitest";
import { wholeOrder } from "../domain/fact.ts";
import type { Known } from "../protocol.ts";
import { beside, message, order, sale, subscription } from "./fixtures/messages.ts";
import { bytes, vector } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";

const eur = (minor: bigint) => ({ minor, currency: "EUR" });
const capture = bytes(vector("capture-completed").body);

function reading(body: Uint8Array, known?: Known) {
  const parsed = parse(body, known);
  if (!parsed.ok) throw new Error(parsed.code);
  return parsed.reading;
}

const code = (body: Uint8Array, known?: Known) => {
  const parsed = parse(body, known);
  return parsed.ok ? "ok" : parsed.code;
};

const said = (event: string, resource: object, known?: Known) => reading(message(event, resource), known);

test("a capture is a payment of each product of its order, and of the order's buyer", () => {
  expect(reading(capture, beside(order))).toEqual({
    event: "PAYMENT.CAPTURE.COMPLETED",
    orderId: "5O190127TN364715T",
    aliases: ["3C679366HH908993F"],
    buyer: { email: "kaeufer@example.com", firstName: "Jörg", lastName: "Müller", country: "DE", reference: "u:42" },
    facts: [
      {
        kind: "payment",
        identity: "payment:3C679366HH908993F:600100",
        transactionId: "3C679366HH908993F",
        amount: eur(9000n),
        productId: "600100",
        productName: "Grundkurs",
        quantity: 1,
        plan: { kind: "once" },
        happenedAt: Date.parse("2026-03-02T09:15:30Z"),
      },
      expect.objectContaining({ productId: "Glasurrezepte", amount: eur(2900n) }),
    ],
  });
});

test("the completed order tells of the same payment under the same identity and amount", () => {
  const told = (facts: ReturnType<typeof reading>["facts"]) =>
    facts.map((fact) => [fact.identity, fact.productId, fact.kind === "payment" && fact.amount]);
  const ordered = said("CHECKOUT.ORDER.COMPLETED", order);
  expect(told(ordered.facts)).toEqual(told(reading(capture, beside(order)).facts));
  expect(ordered).toMatchObject({
    orderId: order.id,
    aliases: ["3C679366HH908993F"],
    buyer: { email: "kaeufer@example.com" },
  });
});

test("a capture whose order nobody fetched waits for the operator, and says what to set up", () => {
  const parsed = parse(capture);
  expect(parsed).toMatchObject({ ok: false, code: "unreadable_order", sentence: expect.stringContaining("client_id") });
  expect(parsed).toMatchObject({ sentence: expect.stringContaining("CHECKOUT.ORDER.COMPLETED") });
});

test("an order of somebody else among the replies is not taken for this one", () => {
  expect(code(capture, beside({ ...order, id: "OTHER" }))).toBe("unreadable_order");
});

test("an order completed without its money says nothing", () => {
  const [unit] = order.purchase_units;
  const pending = [{ ...unit, payments: { captures: [{ ...unit?.payments.captures[0], status: "PENDING" }] } }];
  expect(said("CHECKOUT.ORDER.COMPLETED", { ...order, purchase_units: pending }).facts).toEqual([]);
});

test.each([
  [{ reference_id: "kurs-1", description: "Kurs" }, "kurs-1"],
  [{ reference_id: "default", description: "Kurs" }, "Kurs"],
  [{ reference_id: "default" }, "default"],
])("an order without items, of the unit %j, is one product: %s", (unit, productId) => {
  const known = beside({ ...order, purchase_units: [unit] });
  expect(reading(capture, known).facts).toMatchObject([{ productId, amount: eur(11900n) }]);
});

test("each capture of an order pays for its own unit", () => {
  const unit = (sku: string, id: string) => ({
    items: [{ name: sku, sku, quantity: "1", unit_amount: { currency_code: "EUR", value: "5.00" } }],
    payments: { captures: [{ id, status: "COMPLETED", amount: { currency_code: "EUR", value: "5.00" } }] },
  });
  const { facts } = said("CHECKOUT.ORDER.COMPLETED", { ...order, purchase_units: [unit("a", "C1"), unit("b", "C2")] });
  expect(facts).toMatchObject([
    { transactionId: "C1", productId: "a", amount: eur(500n) },
    { transactionId: "C2", productId: "b", amount: eur(500n) },
  ]);
});

test("an order paid from an account that names no payer has that account's buyer", () => {
  const { payer, ...rest } = order;
  const known = beside({ ...rest, payment_source: { paypal: payer } });
  expect(reading(capture, known).buyer?.email).toBe("kaeufer@example.com");
  expect(code(capture, beside(rest))).toBe("unreadable_buyer");
});

test("an older capture finds its order by its link", () => {
  const resource = {
    id: "3C679366HH908993F",
    amount: { currency_code: "EUR", value: "119.00" },
    links: [{ rel: "up", href: `https://api.paypal.com/v2/checkout/orders/${order.id}` }],
  };
  expect(said("PAYMENT.CAPTURE.COMPLETED", resource, beside(order)).orderId).toBe(order.id);
});

test.each([
  ["PAYMENT.CAPTURE.PENDING", "payment_pending"],
  ["PAYMENT.CAPTURE.DENIED", "payment_failed"],
  ["PAYMENT.CAPTURE.DECLINED", "payment_failed"],
])("%s is %s, of the whole order where its products are not known", (event, kind) => {
  const { resource } = JSON.parse(vector("capture-completed").body) as { resource: object };
  const alone = said(event, resource);
  expect(alone.facts).toMatchObject([{ kind, productId: wholeOrder }]);
  expect(alone.aliases).toEqual([order.id, "3C679366HH908993F"]);
  expect(alone).not.toHaveProperty("buyer");
  expect(said(event, resource, beside(order)).facts).toMatchObject([{ kind, productId: "600100" }, { kind }]);
});

test.each([
  ["a link", { links: [{ rel: "up", href: "https://api.paypal.com/v2/payments/captures/3C679366HH908993F" }] }],
  ["its related ids", { supplementary_data: { related_ids: { capture_id: "3C679366HH908993F" } } }],
])("a refund names its capture by %s", (_, more) => {
  const refunded = said("PAYMENT.CAPTURE.REFUNDED", {
    id: "R1",
    amount: { currency_code: "EUR", value: "19.00" },
    ...more,
  });
  expect(refunded).not.toHaveProperty("buyer");
  expect(refunded.aliases).toEqual(["R1", "3C679366HH908993F"]);
  expect(refunded.facts).toMatchObject([
    { kind: "refund", transactionId: "R1", refunds: "3C679366HH908993F", amount: eur(1900n), productId: wholeOrder },
  ]);
});

test("a sale's refund names its sale, whatever the sign of its amount", () => {
  const refunded = said("PAYMENT.SALE.REFUNDED", {
    id: "R1",
    sale_id: sale.id,
    amount: { total: "-29.00", currency: "EUR" },
  });
  expect(refunded.facts).toMatchObject([{ kind: "refund", refunds: sale.id, amount: eur(2900n) }]);
  expect(refunded.aliases).toContain(sale.id);
});

test("a reversal is a dispute of the payment, each part of its own", () => {
  const amount = { currency_code: "EUR", value: "60.00" };
  const links = [{ rel: "up", href: "https://api.paypal.com/v2/payments/captures/C1" }];
  const reversed = (id: string) => said("PAYMENT.CAPTURE.REVERSED", { id, amount, links }).facts[0];
  expect(reversed("V1")).toMatchObject({ kind: "dispute_opened", transactionId: "C1", amount: eur(6000n) });
  expect(reversed("V1")?.identity).not.toBe(reversed("V2")?.identity);
});

test("a reversal of the older API that names no sale is taken for the sale itself", () => {
  const reversed = said("PAYMENT.SALE.REVERSED", { id: sale.id, amount: { total: "-29.00", currency: "EUR" } });
  expect(reversed.facts).toMatchObject([{ kind: "dispute_opened", transactionId: sale.id, amount: eur(2900n) }]);
});

test("a subscription's sale is a payment of its plan, and tells when the next is due and how often", () => {
  const paid = said("PAYMENT.SALE.COMPLETED", sale, beside(subscription));
  expect(paid).toMatchObject({
    orderId: subscription.id,
    aliases: [sale.id],
    buyer: { email: "abo@example.com", reference: "u:42" },
  });
  expect(paid.facts).toMatchObject([
    {
      kind: "payment",
      transactionId: sale.id,
      amount: eur(2900n),
      productId: "P-TESTPLAN1",
      quantity: 2,
      next: { at: Date.parse("2026-04-02T10:00:00Z") },
      plan: { kind: "subscription", interval: { unit: "month", count: 1 } },
    },
  ]);
});

test("a next date fetched a moment too early is not taken for the next", () => {
  const early = { ...subscription, billing_info: { next_billing_time: "2026-03-02T10:00:00Z" } };
  expect(said("PAYMENT.SALE.COMPLETED", sale, beside(early)).facts[0]).not.toHaveProperty("next");
});

test("without the API a sale is of the whole order under the same identity, and waits for the activation to open it", () => {
  const alone = said("PAYMENT.SALE.COMPLETED", sale);
  expect(alone).toMatchObject({ orderId: subscription.id, aliases: [sale.id] });
  expect(alone).not.toHaveProperty("buyer");
  expect(alone.facts).toMatchObject([{ kind: "payment", productId: wholeOrder, amount: eur(2900n) }]);
  expect(alone.facts[0]?.identity).toBe(said("PAYMENT.SALE.COMPLETED", sale, beside(subscription)).facts[0]?.identity);
});

test("a sale of the older API is a payment of that payment's products", () => {
  const payment = {
    id: "PAY-1",
    payer: {
      payer_info: { email: "kaeufer@example.com", first_name: "Jörg", last_name: "Müller", country_code: "DE" },
    },
    transactions: [{ item_list: { items: [{ name: "Kurs", sku: "k1", quantity: 2, price: "14.50" }] } }],
  };
  const { billing_agreement_id: _, ...plain } = { ...sale, parent_payment: "PAY-1", custom: "u:42" };
  const paid = said("PAYMENT.SALE.COMPLETED", plain, beside(payment));
  expect(paid).toMatchObject({
    orderId: "PAY-1",
    aliases: [sale.id],
    buyer: { email: "kaeufer@example.com", firstName: "Jörg", reference: "u:42" },
  });
  expect(paid.facts).toMatchObject([{ kind: "payment", productId: "k1", quantity: 2, amount: eur(2900n) }]);
  expect(code(message("PAYMENT.SALE.COMPLETED", plain))).toBe("unreadable_order");
});

test("activation opens the order with its first payment pending", () => {
  const opened = said("BILLING.SUBSCRIPTION.ACTIVATED", subscription);
  expect(opened).toMatchObject({ orderId: subscription.id, buyer: { email: "abo@example.com", firstName: "Ada" } });
  expect(opened.facts).toMatchObject([
    {
      kind: "payment_pending",
      rate: 1,
      productId: "P-TESTPLAN1",
      plan: { kind: "subscription", interval: { unit: "month", count: 1 } },
    },
  ]);
});

const billing = (more: object) => ({ ...subscription, billing_info: { ...subscription.billing_info, ...more } });
const trialOf = (total_cycles: number) => ({ tenure_type: "TRIAL", sequence: 1, cycles_completed: 1, total_cycles });

test("a trial of which nothing was paid reaches to the first payment, over all its cycles", () => {
  const once = billing({ cycle_executions: [trialOf(1)] });
  expect(said("BILLING.SUBSCRIPTION.ACTIVATED", once).facts).toMatchObject([
    { kind: "trial", to: { at: Date.parse("2026-04-02T10:00:00Z") }, plan: { kind: "subscription" } },
  ]);
  const thrice = billing({ cycle_executions: [trialOf(3)] });
  expect(said("BILLING.SUBSCRIPTION.ACTIVATED", thrice).facts).toMatchObject([
    { kind: "trial", to: { at: Date.parse("2026-06-02T09:15:20Z") } },
  ]);
  // The trial's length says nothing of the regular one.
  expect(said("BILLING.SUBSCRIPTION.ACTIVATED", once).facts[0]?.plan).toEqual({ kind: "subscription" });
});

test("a trial that was paid for is none", () => {
  const paid = billing({
    cycle_executions: [trialOf(1)],
    last_payment: { amount: { currency_code: "EUR", value: "1.00" } },
  });
  expect(said("BILLING.SUBSCRIPTION.ACTIVATED", paid).facts).toMatchObject([{ kind: "payment_pending" }]);
});

test("a number of regular cycles makes it instalments", () => {
  const limited = billing({ cycle_executions: [{ tenure_type: "REGULAR", cycles_completed: 0, total_cycles: 6 }] });
  expect(said("BILLING.SUBSCRIPTION.ACTIVATED", limited).facts[0]?.plan).toEqual({
    kind: "instalments",
    interval: { unit: "month", count: 1 },
    total: 6,
  });
});

test.each([
  ["2027-03-02T10:00:00Z", { unit: "year", count: 1 }],
  ["2026-06-01T23:00:00Z", { unit: "month", count: 3 }],
  ["2026-03-09T10:00:00Z", { unit: "week", count: 1 }],
  ["2026-03-12T10:00:00Z", { unit: "day", count: 10 }],
])("with the next payment on %s it is paid every %j", (next_billing_time, interval) => {
  expect(said("BILLING.SUBSCRIPTION.ACTIVATED", billing({ next_billing_time })).facts[0]?.plan).toEqual({
    kind: "subscription",
    interval,
  });
});

test("a subscription activated again is resumed, and opens nothing", () => {
  const again = { ...subscription, status_update_time: "2026-05-02T09:00:00Z" };
  for (const resumed of [
    said("BILLING.SUBSCRIPTION.ACTIVATED", again),
    said("BILLING.SUBSCRIPTION.RE-ACTIVATED", subscription),
  ]) {
    expect(resumed.facts).toMatchObject([{ kind: "resumed", productId: wholeOrder }]);
    expect(resumed).not.toHaveProperty("buyer");
  }
});

test.each(["SUSPENDED", "CANCELLED", "EXPIRED"])(
  "BILLING.SUBSCRIPTION.%s stops what is to be paid and names no day",
  (word) => {
    const ended = said(`BILLING.SUBSCRIPTION.${word}`, { ...subscription, status_update_time: "2026-05-02T09:00:00Z" });
    expect(ended.facts).toMatchObject([
      {
        kind: "cancelled",
        chosenByVendor: false,
        productId: wholeOrder,
        happenedAt: Date.parse("2026-05-02T09:00:00Z"),
      },
    ]);
    expect(ended.facts[0]).not.toHaveProperty("for");
  },
);

test("a failed payment of a subscription is one, by the time of its own message", () => {
  expect(said("BILLING.SUBSCRIPTION.PAYMENT.FAILED", subscription).facts).toMatchObject([
    { kind: "payment_failed", happenedAt: Date.parse("2026-03-02T09:15:30Z") },
  ]);
});

const dispute = {
  dispute_id: "PP-D-1",
  disputed_transactions: [{ seller_transaction_id: "3C679366HH908993F", buyer: { name: "Jörg Müller" } }],
  dispute_amount: { currency_code: "EUR", value: "119.00" },
};

test.each([
  ["CREATED", undefined, "dispute_opened"],
  ["RESOLVED", "RESOLVED_BUYER_FAVOUR", "dispute_lost"],
  ["RESOLVED", "ACCEPTED", "dispute_lost"],
  ["RESOLVED", "RESOLVED_SELLER_FAVOUR", "dispute_won"],
  ["RESOLVED", "RESOLVED_WITH_PAYOUT", "dispute_won"],
  ["RESOLVED", "CANCELED_BY_BUYER", "dispute_won"],
])("CUSTOMER.DISPUTE.%s with %s: %s", (word, outcome_code, kind) => {
  const told = said(`CUSTOMER.DISPUTE.${word}`, {
    ...dispute,
    ...(outcome_code && { dispute_outcome: { outcome_code } }),
  });
  expect(told.aliases).toEqual(["3C679366HH908993F"]);
  expect(told.facts).toMatchObject([
    { kind, transactionId: "3C679366HH908993F", amount: eur(11900n), productId: wholeOrder },
  ]);
});

test("a dispute lost in part takes that part", () => {
  const dispute_outcome = {
    outcome_code: "RESOLVED_BUYER_FAVOUR",
    amount_refunded: { currency_code: "EUR", value: "19.00" },
  };
  expect(said("CUSTOMER.DISPUTE.RESOLVED", { ...dispute, dispute_outcome }).facts).toMatchObject([
    { amount: eur(1900n) },
  ]);
});

test("an outcome nobody knows leaves the dispute open", () => {
  expect(
    said("CUSTOMER.DISPUTE.RESOLVED", { ...dispute, dispute_outcome: { outcome_code: "COIN_TOSS" } }).facts,
  ).toEqual([]);
});

test("a dispute over payments of two orders does not tie them together", () => {
  const two = [...dispute.disputed_transactions, { seller_transaction_id: "OTHER" }];
  expect(said("CUSTOMER.DISPUTE.CREATED", { ...dispute, disputed_transactions: two }).aliases).toEqual([
    "3C679366HH908993F",
  ]);
});

test.each([
  "CHECKOUT.ORDER.APPROVED",
  "BILLING.SUBSCRIPTION.CREATED",
  "BILLING.SUBSCRIPTION.UPDATED",
  "CUSTOMER.DISPUTE.UPDATED",
  "VAULT.PAYMENT-TOKEN.CREATED",
])("%s says nothing", (event) => {
  expect(said(event, subscription).facts).toEqual([]);
});

test.each([
  ["PAYMENT.CAPTURE.REFUNDED", { id: "R1" }, "unreadable_amount"],
  ["PAYMENT.CAPTURE.COMPLETED", {}, "unreadable_id"],
  ["PAYMENT.SALE.COMPLETED", { id: "S1" }, "unreadable_amount"],
  ["BILLING.SUBSCRIPTION.ACTIVATED", { ...subscription, plan_id: null }, "unreadable_plan"],
  ["BILLING.SUBSCRIPTION.ACTIVATED", { ...subscription, subscriber: {} }, "unreadable_buyer"],
  ["CUSTOMER.DISPUTE.CREATED", {}, "unreadable_dispute"],
])("%s without what it needs waits for the operator: %#", (event, resource, expected) => {
  expect(code(message(event, resource))).toBe(expected);
});

test("never throws, whatever the body, the resource and what was fetched hold", () => {
  const events = fc.constantFrom(
    ...["COMPLETED", "PENDING", "DENIED", "REFUNDED", "REVERSED"].flatMap((word) => [
      `PAYMENT.CAPTURE.${word}`,
      `PAYMENT.SALE.${word}`,
    ]),
    "CHECKOUT.ORDER.COMPLETED",
    "BILLING.SUBSCRIPTION.ACTIVATED",
    "CUSTOMER.DISPUTE.RESOLVED",
  );
  const names = [...new Set([order, subscription, sale, dispute].flatMap((one) => Object.keys(one)))];
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>(...[order, subscription, sale, dispute].flatMap((one) => Object.values(one))),
  );
  const resource = fc.dictionary(fc.constantFrom(...names, "items", "amount"), value);
  fc.assert(fc.property(fc.uint8Array(), (body) => void parse(body)));
  fc.assert(
    fc.property(events, resource, resource, (event, one, other) => {
      parse(message(event, { ...sale, ...one }), beside({ ...subscription, ...other }));
      parse(message(event, { ...order, ...one }), beside({ ...order, ...other }));
      parse(message(event, { ...subscription, ...one }));
    }),
  );
});
