import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Fact, wholeOrder } from "../domain/fact.ts";
import { type PaymentData, paymentEvents } from "../domain/payment.ts";
import { anyPayment } from "../fixtures/any-payment.ts";
import type { Outgoing } from "../format.ts";
import { bytes, vectors } from "./fixtures/vectors.ts";
import { standardWebhooks as format } from "./format.ts";
import { parse } from "./parse.ts";

const at = (text: string) => Date.parse(text);
const eur = (minor: bigint) => ({ minor, currency: "EUR" });

const kindOf: Record<string, Fact["kind"]> = {
  "payment.made": "payment",
  "payment.pending": "payment_pending",
  "payment.failed": "payment_failed",
  "payment.refunded": "refund",
  "payment.refund_reversed": "refund_reversed",
  "payment.disputed": "dispute_opened",
  "payment.dispute_won": "dispute_won",
  "payment.dispute_lost": "dispute_lost",
  "order.trial_started": "trial",
  "order.cancelled": "cancelled",
  "order.resumed": "resumed",
};

const trimmed = (text: string | null | undefined) => text?.trim() || undefined;
const when = (text: string | null | undefined) =>
  text ? (text.length === 10 ? { day: text } : { at: at(text) }) : undefined;

/** What the data says, in the words of facts. */
function said(type: string, data: PaymentData) {
  const kind = kindOf[type];
  const money = data.amount && { minor: BigInt(data.amount.minor), currency: data.amount.currency };
  const transaction = data.transaction_id ?? undefined;
  const parent = data.parent_transaction_id ?? undefined;
  const { interval, total } = data.plan;
  const plan = {
    kind: data.plan.kind,
    ...(data.plan.kind !== "once" && interval && { interval }),
    ...(data.plan.kind === "instalments" && total && { total }),
  };
  const dispute = { transactionId: transaction ?? parent, amount: money ?? undefined, rate: data.rate ?? undefined };
  const bodies: Record<string, object> = {
    payment: {
      transactionId: transaction,
      amount: money,
      rate: data.rate ?? undefined,
      next: when(data.next_payment_at),
    },
    payment_pending: {
      transactionId: transaction ?? data.order_id,
      amount: money ?? undefined,
      rate: data.rate ?? undefined,
    },
    payment_failed: { transactionId: transaction ?? data.order_id, rate: data.rate ?? undefined },
    refund: { transactionId: transaction, amount: money, refunds: parent, rate: data.rate ?? undefined },
    refund_reversed: { transactionId: transaction ?? parent, reverses: parent ?? transaction },
    dispute_opened: dispute,
    dispute_won: dispute,
    dispute_lost: dispute,
    trial: { to: when(data.ends_at ?? data.next_payment_at) },
    cancelled: { for: when(data.ends_at), chosenByVendor: false },
    resumed: {},
  };
  return {
    kind,
    ...bodies[kind ?? ""],
    productId: data.product.id,
    productName: trimmed(data.product.name),
    quantity: data.quantity ?? undefined,
    plan,
    happenedAt: at(data.happened_at),
    identity: expect.any(String),
  };
}

const needsTransaction = ["payment.made", "payment.refunded"];
const needsEither = ["payment.refund_reversed", "payment.disputed", "payment.dispute_won", "payment.dispute_lost"];

test("whatever money event we send says the same facts when it is received", () => {
  fc.assert(
    fc.property(anyPayment(paymentEvents), ({ event, data }) => {
      const body = format.render(event, {});
      if (!body) throw new Error("every event is rendered");
      const parsed = parse(body);
      const lacks =
        data.transaction_id === null &&
        (needsTransaction.includes(event.type) ||
          (needsEither.includes(event.type) && data.parent_transaction_id === null));
      if (lacks) {
        expect(parsed).toMatchObject({ ok: false, code: "unreadable_transaction" });
        return;
      }
      expect(parsed).toEqual({
        ok: true,
        reading: {
          event: event.type,
          mode: data.test ? "test" : "live",
          orderId: data.order_id,
          orderedOn: data.ordered_at?.length === 10 ? data.ordered_at : undefined,
          buyer: {
            email: data.buyer.email,
            firstName: trimmed(data.buyer.first_name),
            lastName: trimmed(data.buyer.last_name),
            company: trimmed(data.buyer.company),
            country: data.buyer.country ?? undefined,
            language: data.buyer.language ?? undefined,
            reference: trimmed(data.reference),
          },
          facts: [said(event.type, data)],
        },
      });
    }),
    { numRuns: 500 },
  );
});

const outgoing = (type: string, data: string): Outgoing => ({ id: "evt_1", type, at: 0, test: false, data });

test.each(["access.granted", "order.created", "endpoint.test", "licence.issued"])(
  "our event %s says nothing of money",
  (type) => {
    const body = format.render(outgoing(type, '{"order_id":"A1","test":false}'), {});
    expect(parse(body ?? new Uint8Array())).toEqual({ ok: true, reading: { event: type, facts: [] } });
  },
);

test("an amount too large to be printed is missed, not read as another", () => {
  const data = {
    order_id: "A1",
    transaction_id: "t",
    product: { id: "p" },
    buyer: { email: "kim@example.com" },
    plan: { kind: "once" },
  };
  const body = format.render(outgoing("payment.made", JSON.stringify({ ...data, amount: null })), {});
  expect(parse(body ?? new Uint8Array())).toMatchObject({ ok: false, code: "unreadable_amount" });
});

const mapping = {
  event: "type",
  orderId: "data.order.id",
  aliases: { subscription: "data.subscription" },
  events: {
    "invoice.paid": "payment",
    "invoice.refunded": {
      kind: "refund",
      fields: { amount: "data.back", transactionId: "data.refund", refunds: "data.id" },
    },
    "plan.cancelled": "cancelled",
    "plan.trial": "trial",
    "invoice.failed": { kind: "payment_failed", fields: { transactionId: "data.none" } },
  },
  fields: {
    email: "data.customer.email",
    name: "data.customer.name",
    product: "data.items[].sku",
    productName: "data.items[].title",
    quantity: "data.items[].count",
    amount: "data.items[].total",
    amountIn: "major",
    currency: "data.currency",
    transactionId: "data.id",
    plan: "=recurring",
    interval: "data.every",
    rate: "data.rate",
    until: "data.until",
    happenedAt: "data.at",
    test: "data.environment",
  },
};
const invoice = {
  id: "in_1",
  order: { id: 1001 },
  subscription: 7,
  customer: { email: "kim@example.com", name: "Kim de Boer" },
  items: [
    { sku: "course", title: "Kurs", count: 2, total: "59.80" },
    { sku: "book", title: "Buch", total: 9.5 },
  ],
  currency: "eur",
  every: "yearly",
  at: 1772442930,
  environment: "production",
};

function mapped(type: string, data: object = {}, more: object = {}) {
  const known = { options: { mapping: JSON.stringify({ ...mapping, ...more }) } };
  return parse(bytes(JSON.stringify({ type, data: { ...invoice, ...data } })), known);
}

test("a mapped payment says what its mapping finds, for each of its products", () => {
  const common = {
    kind: "payment",
    transactionId: "in_1",
    plan: { kind: "subscription", interval: { unit: "year", count: 1 } },
    happenedAt: 1772442930_000,
  };
  expect(mapped("invoice.paid")).toEqual({
    ok: true,
    reading: {
      event: "invoice.paid",
      mode: "live",
      orderId: "1001",
      aliases: ["subscription:7"],
      buyer: { email: "kim@example.com", firstName: "Kim", lastName: "de Boer" },
      facts: [
        {
          ...common,
          productId: "course",
          productName: "Kurs",
          quantity: 2,
          amount: eur(5980n),
          identity: "payment:in_1:1001:course",
        },
        { ...common, productId: "book", productName: "Buch", amount: eur(950n), identity: "payment:in_1:1001:book" },
      ],
    },
  });
});

test("a product listed twice is one item with the sum", () => {
  const items = [
    { sku: "a", total: "1.00" },
    { sku: "a", total: "2.00", count: 3 },
  ];
  expect(mapped("invoice.paid", { items })).toMatchObject({
    reading: { facts: [{ productId: "a", amount: eur(300n), quantity: 4 }] },
  });
});

test("one amount for several products of a payment is not guessed apart", () => {
  const fields = { ...mapping.fields, amount: "data.sum" };
  expect(mapped("invoice.paid", { sum: "69.30" }, { fields })).toMatchObject({ ok: false, code: "unreadable_amount" });
  const alone = mapped("invoice.paid", { sum: "69.30", items: [{ sku: "course" }] }, { fields });
  expect(alone).toMatchObject({ reading: { facts: [{ productId: "course", amount: eur(6930n) }] } });
});

test("an event nobody mapped says nothing", () => {
  expect(mapped("invoice.voided")).toEqual({ ok: true, reading: { event: "invoice.voided", facts: [] } });
});

test.each([
  ["in_1 without an id", { id: null }, "unreadable_transaction"],
  ["without products", { items: [] }, "unreadable_product"],
  ["with a product without a name", { items: [{ total: "1.00" }] }, "unreadable_product"],
  ["without an amount", { items: [{ sku: "a" }] }, "unreadable_amount"],
  ["with a comma", { items: [{ sku: "a", total: "1,00" }] }, "unreadable_amount"],
  ["with more places than cents", { items: [{ sku: "a", total: "1.005" }] }, "unreadable_amount"],
  ["with a minus", { items: [{ sku: "a", total: "-1.00" }] }, "unreadable_amount"],
  ["in a currency nobody knows", { currency: "XXX" }, "unreadable_currency"],
  ["without an order", { order: {}, subscription: null }, "unreadable_order"],
])("a mapped payment %s waits", (_, data, code) => {
  expect(mapped("invoice.paid", data)).toMatchObject({ ok: false, code, sentence: expect.any(String) });
});

test("an order known by its subscription alone has aliases and no order id", () => {
  const parsed = mapped("invoice.paid", { order: null });
  if (!parsed.ok) throw new Error(parsed.sentence);
  expect(parsed.reading.aliases).toEqual(["subscription:7"]);
  expect(parsed.reading.orderId).toBeUndefined();
});

test.each([
  [1772442930, { at: 1772442930_000 }],
  [1772442930_123, { at: 1772442930_123 }],
  ["1772442930", { at: 1772442930_000 }],
  ["2026-03-02", { day: "2026-03-02" }],
  ["2026-03-02T09:15:30+01:00", { at: at("2026-03-02T08:15:30Z") }],
  ["2026-03-02 09:15:30", { at: at("2026-03-02T09:15:30Z") }],
  ["soon", undefined],
  [-1, undefined],
  [1e300, undefined],
])("a plan cancelled for %j stops then", (until, expected) => {
  const parsed = mapped("plan.cancelled", { until });
  if (!parsed.ok) throw new Error(parsed.sentence);
  expect(parsed.reading.facts).toMatchObject([{ kind: "cancelled", productId: "course" }, { productId: "book" }]);
  const fact = parsed.reading.facts[0];
  expect(fact?.kind === "cancelled" ? fact.for : null).toEqual(expected);
});

test("a trial without a readable end waits", () => {
  expect(mapped("plan.trial", { until: "2026-03-16" })).toMatchObject({ reading: { facts: [{ kind: "trial" }, {}] } });
  expect(mapped("plan.trial", { until: "soon" })).toMatchObject({ code: "unreadable_trial_end" });
});

test("failures without a transaction are told apart by rate and time", () => {
  const identities = [{ rate: 2 }, { rate: 3 }, { rate: 3, at: 1772999999 }].map((data) => {
    const parsed = mapped("invoice.failed", data);
    return parsed.ok && parsed.reading.facts[0]?.identity;
  });
  expect(new Set(identities).size).toBe(3);
});

test.each([
  [true, "test"],
  ["sandbox", "test"],
  [1, "test"],
  [false, "live"],
  ["LIVE", "live"],
  ["staging", undefined],
  [null, undefined],
])("the environment %j is read as the mode %s", (environment, mode) => {
  const parsed = mapped("invoice.paid", { environment });
  expect(parsed.ok && parsed.reading.mode).toBe(mode);
});

test("a mapping that cannot be used is named, and the message waits", () => {
  expect(parse(bytes("{}"), { options: { mapping: '{"event":"type"}' } })).toMatchObject({
    ok: false,
    code: "unreadable_mapping",
    sentence: expect.stringContaining("events is empty"),
  });
});

test("an empty mapping is none", () => {
  expect(parse(bytes('{"type":"order.resumed"}'), { options: { mapping: " " } })).toMatchObject({
    code: "unreadable_order",
  });
});

test.each(vectors)("reading $name, whatever it is, does not throw", ({ body }) => {
  expect(parse(bytes(body))).toMatchObject({ ok: expect.any(Boolean) });
});

test("a message that speaks of the whole order names no product", () => {
  const parsed = mapped("invoice.refunded", { items: undefined, back: "-12.50", refund: "re_1" });
  expect(parsed).toMatchObject({
    reading: {
      facts: [{ kind: "refund", transactionId: "re_1", refunds: "in_1", amount: eur(1250n), productId: wholeOrder }],
    },
  });
  const several = mapped("invoice.refunded", { back: "12.50", refund: "re_1" });
  expect(several).toMatchObject({ reading: { facts: [{ productId: wholeOrder, amount: eur(1250n) }] } });
});
