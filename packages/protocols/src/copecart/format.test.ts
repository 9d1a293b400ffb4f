import { createHmac, timingSafeEqual } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { PaymentData } from "../domain/payment.ts";
import { anyPayment } from "../fixtures/any-payment.ts";
import type { FormatOptions, Outgoing } from "../format.ts";
import { carries, fields } from "./fields.ts";
import { vector } from "./fixtures/vectors.ts";
import { copecartFormat } from "./format.ts";
import { parse } from "./parse.ts";
import { verifySignature } from "./verify.ts";

const secret = "copecart-test-secret";
const options = fc.record({
  money: fc.constantFrom("text" as const, "number" as const),
  missing: fc.constantFrom("null" as const, "omit" as const),
});
const types = copecartFormat.events ?? [];

function rendered(event: Outgoing, form: FormatOptions = {}): Uint8Array<ArrayBuffer> {
  const body = copecartFormat.render(event, form);
  if (!body) throw new Error("the event was not rendered");
  return body;
}

const told = (body: Uint8Array): Record<string, unknown> => JSON.parse(new TextDecoder().decode(body));

/** A receiver's check as CopeCart's document describes it, without any of our code. */
function receiverAccepts(headers: Readonly<Record<string, string>>, body: Uint8Array): boolean {
  const sent = Buffer.from(headers["X-Copecart-Signature"] ?? "", "base64");
  const expected = createHmac("sha256", secret).update(body).digest();
  return sent.length === 32 && timingSafeEqual(sent, expected);
}

test("a receiver written for CopeCart accepts any event we send", async () => {
  await fc.assert(
    fc.asyncProperty(anyPayment(types), options, async ({ event }, form) => {
      const attempt = { id: event.id, at: event.at, secrets: [secret], number: 1 };
      const { headers, body } = await copecartFormat.sign(rendered(event, form), attempt);
      expect(headers).toEqual({
        "Content-Type": "application/json",
        "User-Agent": "Copecart",
        "X-Copecart-Signature": expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      });
      expect(receiverAccepts(headers, body)).toBe(true);
      expect(receiverAccepts(headers, new Uint8Array([...body, 32]))).toBe(false);
      expect(await verifySignature(headers["X-Copecart-Signature"] ?? "", body, [secret])).toEqual({ ok: true });
    }),
  );
});

test("every message carries the fields of its event in the order of the wire, and no other", () => {
  fc.assert(
    fc.property(anyPayment(types), ({ event }) => {
      const values = told(rendered(event));
      const name = String(values["event_type"]);
      expect(Object.keys(values)).toEqual(fields.filter((field) => carries(name, field)).map((field) => field.name));
    }),
  );
});

/** Days as the runtime's own calendar of Berlin prints them. */
const calendar = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Berlin" });
const dayOf = (value: string, earlierMs = 0) =>
  value.length === 10 ? value : calendar.format(Date.parse(value) - earlierMs);
const textOf = (value: string | null | undefined) => value?.trim() || undefined;

const kinds: Readonly<Record<string, string>> = {
  "payment.made": "payment",
  "payment.pending": "payment_pending",
  "payment.failed": "payment_failed",
  "payment.refunded": "refund",
  "payment.disputed": "dispute_opened",
  "order.trial_started": "trial",
  "order.cancelled": "cancelled",
};

/** Intervals CopeCart has words for, in its own measure. */
const intervals: Readonly<Record<string, object>> = {
  "1 day": { unit: "day", count: 1 },
  "7 day": { unit: "week", count: 1 },
  "14 day": { unit: "week", count: 2 },
  "1 week": { unit: "week", count: 1 },
  "2 week": { unit: "week", count: 2 },
  "1 month": { unit: "month", count: 1 },
  "3 month": { unit: "month", count: 3 },
  "6 month": { unit: "month", count: 6 },
  "12 month": { unit: "year", count: 1 },
  "1 year": { unit: "year", count: 1 },
};

function planRead({ plan, rate, amount }: PaymentData, sale: boolean) {
  if (plan.kind === "once") return { kind: "once" };
  const interval = plan.interval ? intervals[`${plan.interval.count} ${plan.interval.unit}`] : undefined;
  const total = plan.kind === "instalments" ? (plan.total ?? undefined) : undefined;
  // A plan of a single rate is agreed as soon as that rate is known.
  const agreed = sale && total === 1 && rate === 1 && amount ? moneyRead(amount) : undefined;
  return { kind: plan.kind, interval, total, agreed };
}

const moneyRead = ({ minor, currency }: NonNullable<PaymentData["amount"]>) => ({ minor: BigInt(minor), currency });

/** What a receiver should learn from an event. */
function factRead({ type, id }: Outgoing, data: PaymentData) {
  const kind = kinds[type];
  const next = data.next_payment_at ? { day: dayOf(data.next_payment_at) } : undefined;
  const sale = ["payment", "payment_pending", "payment_failed"].includes(kind ?? "");
  const common = {
    kind,
    identity: expect.any(String),
    productId: data.product.id,
    productName: textOf(data.product.name),
    quantity: data.quantity ?? 1,
    plan: planRead(data, sale),
  };
  if (kind === "cancelled")
    return { ...common, for: data.ends_at ? { day: dayOf(data.ends_at, 1) } : next, chosenByVendor: false };
  const happened = { ...common, happenedAt: Date.parse(data.happened_at) };
  if (kind === "trial") return { ...happened, to: { day: dayOf(data.ends_at ?? "") } };
  const moved = {
    ...happened,
    transactionId: data.transaction_id ?? id,
    rate: data.rate ?? (data.plan.kind === "once" ? 1 : undefined),
  };
  if (kind === "payment_failed") return moved;
  const amount = data.amount ? moneyRead(data.amount) : undefined;
  return kind === "payment" ? { ...moved, amount, next } : { ...moved, amount };
}

test("what is rendered is read back as the same facts", () => {
  fc.assert(
    fc.property(anyPayment(types), options, ({ event, data }, form) => {
      const parsed = parse(rendered(event, form));
      if (!parsed.ok) throw new Error(parsed.sentence);
      const { buyer, reference } = data;
      expect(parsed.reading).toEqual({
        event: told(rendered(event))["event_type"],
        mode: data.test ? "test" : event.type === "order.cancelled" ? undefined : "live",
        orderId: data.order_id,
        orderedOn: data.ordered_at ? dayOf(data.ordered_at) : undefined,
        buyer: {
          email: buyer.email,
          firstName: textOf(buyer.first_name),
          lastName: textOf(buyer.last_name),
          company: textOf(buyer.company),
          country: buyer.country ?? undefined,
          reference: textOf(reference),
        },
        facts: [factRead(event, data)],
      });
    }),
    { numRuns: 1_000 },
  );
});

/** The first published vector, told as our data. */
const sold: PaymentData = {
  order_id: "7kQ2mXvB",
  ordered_at: "2026-03-03T17:22:40Z",
  transaction_id: "8a41d0c2e5f7b936",
  product: { id: "4be81c07", name: "Online-Kurs Kräuterwissen" },
  buyer: {
    email: "mara.lindner@example.de",
    id: "3fd90b7c51e2a468",
    first_name: "Mara",
    last_name: "Lindner",
    country: "DE",
  },
  reference: "konto-48213",
  amount: { minor: 11_900, currency: "EUR" },
  tax_minor: 1_900,
  plan: { kind: "once" },
  payment_method: "credit_card",
  happened_at: "2026-03-03T17:22:41Z",
  test: false,
};

const eventOf = (type: string, changes: Partial<PaymentData> = {}): Outgoing => {
  const data = { ...sold, ...changes };
  return { id: "evt_1", type, at: Date.parse(data.happened_at), test: data.test, data: JSON.stringify(data) };
};

test("a sale is told like the captured one, but for what nobody told us", () => {
  const unknown = [
    "affiliate",
    "buyer_address",
    "buyer_city",
    "buyer_house_number",
    "buyer_street",
    "buyer_zipcode",
    "buyer_subscribed_for_newsletter",
    "earned_amount",
    "product_internal_name",
    "tags",
    "transaction_earned_amount",
  ];
  const captured: Record<string, unknown> = JSON.parse(vector("one-time-payment-made").body);
  const ours = told(rendered(eventOf("payment.made")));
  const different = Object.keys(captured).filter(
    (name) => JSON.stringify(captured[name]) !== JSON.stringify(ours[name]),
  );
  // The product's internal name stands in the split by product too.
  expect(different.toSorted()).toEqual([...unknown, "transaction_amount_per_product"].toSorted());
  expect(ours["transaction_amount_per_product"]).toEqual([
    {
      amount: "119.0",
      vat_amount: "19.0",
      slug: "4be81c07",
      is_addon: false,
      name: "Online-Kurs Kräuterwissen",
      internal_name: null,
    },
  ]);
});

test.each([
  ["payment.made", "payment.made", "paid", "test_paid", "sale"],
  ["payment.pending", "payment.pending", "pending", "pending", "sale"],
  ["payment.failed", "payment.failed", "failed", "failed", "sale"],
  ["payment.refunded", "payment.refunded", "successed_refunded", "test_successed_refunded", "refund"],
  ["payment.disputed", "payment.charged_back", "chargeback_succeeded", "chargeback_succeeded", "chargeback"],
  ["order.trial_started", "payment.trial", "trial", "test_trial", "sale"],
  ["order.cancelled", "payment.recurring.cancelled", "paid", "test_paid", undefined],
])("%s is %s with the status %s, in a test %s, and the transaction %s", (type, name, status, testStatus, moved) => {
  const live = told(rendered(eventOf(type, { ends_at: "2026-04-15" })));
  expect(live).toMatchObject({ event_type: name, payment_status: status, payment_method: "credit_card" });
  expect(live["transaction_type"]).toBe(moved);
  const test = told(rendered(eventOf(type, { ends_at: "2026-04-15", test: true })));
  expect(test).toMatchObject({
    event_type: name,
    payment_status: testStatus,
    payment_method: "test",
    earned_amount: "0",
  });
  expect(test["test_payment"]).toBe(moved === undefined ? undefined : true);
});

test.each([
  "payment.dispute_won",
  "payment.dispute_lost",
  "payment.refund_reversed",
  "order.resumed",
  "access.granted",
])("CopeCart has no words for %s", (type) => {
  expect(types).not.toContain(type);
  expect(copecartFormat.render(eventOf(type), {})).toBeUndefined();
});

test("a trial without an end is not told", () => {
  expect(copecartFormat.render(eventOf("order.trial_started"), {})).toBeUndefined();
});

test("a trial is a sale of nothing whose first payment is due when it ends", () => {
  const trial = eventOf("order.trial_started", {
    plan: { kind: "subscription", interval: { unit: "month", count: 1 } },
    amount: null,
    tax_minor: null,
    transaction_id: null,
    ends_at: "2026-04-14T22:30:00Z",
  });
  expect(told(rendered(trial))).toMatchObject({
    transaction_id: "evt_1",
    transaction_amount: "0.0",
    line_item_amount: "0.0",
    next_payment_at: "2026-04-15",
    rate_number: 1,
    frequency: "monthly",
    first_payment: null,
  });
});

test.each([
  ["2026-07-15", "2026-07-15"],
  ["2026-07-15T22:00:00Z", "2026-07-15"],
  ["2026-07-15T22:00:01Z", "2026-07-16"],
  [null, null],
])("a plan that stops at %s is cancelled for %s", (ends_at, is_cancelled_for) => {
  expect(told(rendered(eventOf("order.cancelled", { ends_at })))).toMatchObject({ is_cancelled_for });
});

test.each([
  ["2026-03-03T17:22:41Z", "2026-03-03T18:22:41+01:00"],
  ["2026-07-03T17:22:41.070Z", "2026-07-03T19:22:41.070+02:00"],
  ["2026-03-12T09:15:33.204+01:00", "2026-03-12T09:15:33.204+01:00"],
])("what happened at %s is printed %s", (happened_at, printed) => {
  const made = told(rendered(eventOf("payment.made", { happened_at })));
  expect(made).toMatchObject({ transaction_date: printed, transaction_processed_at: printed });
  const pending = told(rendered(eventOf("payment.pending", { happened_at })));
  expect(pending).toMatchObject({ transaction_date: printed, transaction_processed_at: null });
});

test.each([
  ["2026-03-03T23:30:00Z", "2026-03-04", "00:30"],
  ["2026-03-03", "2026-03-03", null],
  [null, null, null],
])("an order of %s is dated %s, %s", (ordered_at, order_date, order_time) => {
  expect(told(rendered(eventOf("payment.made", { ordered_at })))).toMatchObject({ order_date, order_time });
});

test("a payment tells its own price of the plan; a refund, which may be a part, tells none", () => {
  const plan = { kind: "instalments", interval: { unit: "month", count: 1 }, total: 3 } as const;
  const terms = (type: string, rate: number | null) => {
    const { first_payment, next_payments } = told(rendered(eventOf(type, { plan, rate })));
    return [first_payment, next_payments];
  };
  expect(terms("payment.made", 1)).toEqual(["119.0", null]);
  expect(terms("payment.made", 2)).toEqual([null, "119.0"]);
  expect(terms("payment.made", null)).toEqual([null, null]);
  expect(terms("payment.refunded", 2)).toEqual([null, null]);
});

test.each([
  [{ status: 200, body: "OK" }, true],
  [{ status: 200, body: " OK\r\n" }, true],
  [{ status: 200, body: "ok" }, false],
  [{ status: 200, body: '"OK"' }, false],
  [{ status: 200, body: "OK - order not found" }, false],
  [{ status: 200, body: '{"received":true}' }, false],
  [{ status: 200, body: "" }, false],
  [{ status: 201, body: "OK" }, false],
  [{ status: 500, body: "OK" }, false],
])("the answer %j counts as arrived: %s", (answer, arrived) => {
  expect(copecartFormat.accepts(answer)).toBe(arrived);
});

test("the sample is a test order, another one each time", () => {
  const at = Date.parse("2026-03-02T10:30:08Z");
  const body = (at: number) => rendered({ id: "evt_1", at, test: true, ...copecartFormat.sample(at) });
  expect(parse(body(at))).toMatchObject({
    ok: true,
    reading: { mode: "test", facts: [{ kind: "payment", amount: { minor: 11_900n }, happenedAt: at }] },
  });
  expect(told(body(at))).toMatchObject({
    test_payment: true,
    payment_status: "test_paid",
    transaction_id: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  expect(told(body(at))["transaction_id"]).not.toBe(told(body(at + 1))["transaction_id"]);
});

test("an amount in an unknown currency is not sent", () => {
  const amount = { minor: 1, currency: "XXX" };
  expect(() => copecartFormat.render(eventOf("payment.made", { amount }), {})).toThrow("currency_unknown");
});
