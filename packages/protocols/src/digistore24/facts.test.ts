import { expect, test } from "vitest";
import { readingOf } from "./fixtures/call.ts";

const at = (text: string) => Date.parse(text);
const eur = (minor: bigint) => ({ minor, currency: "EUR" });

type Fields = Readonly<Record<string, string | undefined>>;
const factsOf = (fields: Fields) => readingOf(fields).facts;
const factOf = (fields: Fields) => {
  const facts = factsOf(fields);
  expect(facts).toHaveLength(1);
  return facts[0];
};

const order = {
  api_mode: "live",
  order_id: "T3STAB34",
  order_item_id: "40020001",
  product_id: "600200",
  product_name: "Mitgliedschaft",
  billing_type: "subscription",
  transaction_currency: "EUR",
  transaction_date: "2026-03-01",
  transaction_time: "08:00:00",
  email: "abo@example.com",
};
const payment = {
  ...order,
  event: "on_payment",
  transaction_type: "payment",
  transaction_id: "70020001",
  transaction_amount: "29.00",
  pay_sequence_no: "1",
  next_payment_at: "2026-04-01",
  other_billing_intervals: "1_month",
};
const instalment = {
  ...payment,
  billing_type: "installment",
  number_of_installments: "3",
  first_amount: "29.00",
  other_amounts: "29.00",
};

test("the first payment of a subscription by its other name is the same payment", () => {
  expect(factsOf({ ...payment, event: "on_payment_subscription_signup" })).toEqual(factsOf(payment));
});

test("a single payment is the first of one and has no next", () => {
  const fact = factOf({ ...payment, billing_type: "single_payment", pay_sequence_no: "0" });
  expect(fact).toMatchObject({ kind: "payment", rate: 1, plan: { kind: "once" } });
  expect(fact).not.toHaveProperty("next");
});

test.each([
  ["1_month", { unit: "month", count: 1 }],
  ["3_months", { unit: "month", count: 3 }],
  ["7_day", { unit: "week", count: 1 }],
  ["14_day", { unit: "week", count: 2 }],
  ["10_day", { unit: "day", count: 10 }],
  ["1_YEAR", { unit: "year", count: 1 }],
  ["2_week", { unit: "week", count: 2 }],
  ["0_month", undefined],
  ["month", undefined],
  ["1_fortnight", undefined],
])("the interval %s is %j", (other_billing_intervals, interval) => {
  const plan = { kind: "subscription", ...(interval && { interval }) };
  expect(factOf({ ...payment, other_billing_intervals })?.plan).toEqual(plan);
});

test("the interval of the later payments is the plan's; that of the first stands in where it is alone", () => {
  const both = { first_billing_interval: "14_day", other_billing_intervals: "1_month" };
  expect(factOf({ ...payment, ...both })?.plan).toMatchObject({ interval: { unit: "month", count: 1 } });
  const alone = { first_billing_interval: "1_year", other_billing_intervals: "" };
  expect(factOf({ ...payment, ...alone })?.plan).toMatchObject({ interval: { unit: "year", count: 1 } });
});

test.each([
  [{}, { total: 3, agreed: eur(8700n) }],
  [{ order_item_number_of_installments: "6" }, { total: 6, agreed: eur(17400n) }],
  [
    { transaction_amount: "9.00", first_amount: "9.00" },
    { total: 3, agreed: eur(6700n) },
  ],
  [
    { pay_sequence_no: "2", first_amount: "9.00" },
    { total: 3, agreed: eur(6700n) },
  ],
])("the sum of instalments with %j is that of all rates", (fields, terms) => {
  expect(factOf({ ...instalment, ...fields })?.plan).toEqual({
    kind: "instalments",
    interval: { unit: "month", count: 1 },
    ...terms,
  });
});

test.each([
  ["the payment is none of the rates told (net, another currency, two items)", { transaction_amount: "34.51" }],
  ["the other rates are told as nothing", { other_amounts: "0.00" }],
  ["the first rate is not told", { first_amount: "" }],
  ["an amount is not readable", { other_amounts: "29,00" }],
])("no sum is taken for agreed where %s", (_, fields) => {
  expect(factOf({ ...instalment, ...fields })?.plan).toEqual({
    kind: "instalments",
    interval: { unit: "month", count: 1 },
    total: 3,
  });
});

test("a number of 0 rates is an open one, until the payment that completes the plan tells it", () => {
  const open = { number_of_installments: "0", pay_sequence_no: "5", other_amounts: "29.00" };
  expect(factOf({ ...instalment, ...open })?.plan).not.toHaveProperty("total");
  const last = { ...open, billing_status: "completed", next_payment_at: "" };
  expect(factOf({ ...instalment, ...last })?.plan).toMatchObject({ total: 5, agreed: eur(14500n) });
});

test("nothing paid at the start of a plan is a trial until the first payment is due", () => {
  for (const transaction_amount of ["0.00", "0", "-0.00"]) {
    expect(factOf({ ...payment, transaction_amount })).toEqual({
      kind: "trial",
      to: { day: "2026-04-01" },
      productId: "600200",
      productName: "Mitgliedschaft",
      happenedAt: at("2026-03-01T07:00:00Z"),
      plan: { kind: "subscription", interval: { unit: "month", count: 1 } },
      identity: "trial:70020001:T3STAB34:600200:40020001",
    });
  }
});

test.each([
  ["a product for nothing", { billing_type: "single_payment", pay_sequence_no: "0" }],
  ["a later month for nothing", { pay_sequence_no: "4" }],
  ["a start for nothing that names no next payment", { next_payment_at: "" }],
])("%s is a payment of nothing", (_, fields) => {
  expect(factOf({ ...payment, ...fields, transaction_amount: "0.00" })).toMatchObject({
    kind: "payment",
    amount: eur(0n),
  });
});

test("a trial needs no currency", () => {
  const free = { ...payment, transaction_amount: "0.00", transaction_currency: "" };
  expect(factOf(free)).toMatchObject({ kind: "trial" });
});

test("a payment's filled parent_transaction_id says nothing", () => {
  expect(factsOf({ ...payment, parent_transaction_id: "70020000" })).toEqual(factsOf(payment));
});

test("upsells are payments of the same order, each of its own item", () => {
  const upsell = { product_id: "600201", order_item_id: "40020002", transaction_id: "70020002", upsell_no: "1" };
  const [first, second] = [readingOf(payment), readingOf({ ...payment, ...upsell })];
  expect(second.orderId).toBe(first.orderId);
  expect(second.facts[0]).toMatchObject({ kind: "payment", productId: "600201", transactionId: "70020002" });
});

test("the same product bought twice in an order is two payments, whether or not one transaction paid both", () => {
  const again = { ...payment, order_item_id: "40020002" };
  const identities = [payment, again, { ...again, transaction_id: "70020002" }].map((one) => factOf(one)?.identity);
  expect(new Set(identities).size).toBe(3);
});

const grouped = {
  ...payment,
  billing_type: "single_payment",
  pay_sequence_no: "0",
  next_payment_at: "",
  transaction_amount: "371.00",
  product_txn_amount: "297",
  product_id_2: "600201",
  order_item_id_2: "40020002",
  product_name_2: "Arbeitsbuch",
  product_txn_amount_2: "27",
  quantity_2: "2",
  product_id_3: "600202",
  product_txn_amount_3: "47",
};

test("products grouped into one call are payments of their own parts", () => {
  expect(factsOf(grouped)).toMatchObject([
    {
      kind: "payment",
      productId: "600200",
      amount: eur(29700n),
      identity: "payment:70020001:T3STAB34:600200:40020001",
    },
    { productId: "600201", productName: "Arbeitsbuch", amount: eur(2700n), quantity: 2, plan: { kind: "once" } },
    { productId: "600202", amount: eur(4700n), identity: "payment:70020001:T3STAB34:600202" },
  ]);
});

test("grouped products give back their own parts, and what nothing is given back of is not refunded", () => {
  const refund = {
    event: "on_refund",
    transaction_id: "70020077",
    transaction_amount: "-27.00",
    product_txn_amount: "0",
    product_txn_amount_2: "-27.00",
    product_txn_amount_3: "0",
  };
  expect(factsOf({ ...grouped, ...refund })).toMatchObject([
    { kind: "refund", productId: "600201", amount: eur(2700n) },
  ]);
});

test("what nothing was paid for in a call is not bought by it", () => {
  for (const product_txn_amount_2 of ["", "0.00", "27,00"]) {
    expect(factsOf({ ...grouped, product_txn_amount_2 })).toMatchObject([
      { productId: "600200", amount: eur(32400n) },
      { productId: "600202", amount: eur(4700n) },
    ]);
  }
});

test("products whose parts are more than the call's own money have calls of their own", () => {
  expect(factsOf({ ...grouped, transaction_amount: "297.00" })).toMatchObject([
    { productId: "600200", amount: eur(29700n) },
  ]);
});

test("what comes besides a subscription is paid once, and its renewals pay nothing for it", () => {
  const besides = { ...payment, product_id_2: "600201", product_txn_amount_2: "9", transaction_amount: "38.00" };
  const [main, other] = factsOf(besides);
  expect(main).toMatchObject({ rate: 1, amount: eur(2900n), next: { day: "2026-04-01" } });
  expect(other).toMatchObject({ kind: "payment", productId: "600201", amount: eur(900n) });
  for (const name of ["plan", "rate", "next"]) expect(other).not.toHaveProperty(name);
  const renewal = { ...besides, pay_sequence_no: "2", product_txn_amount: "29", product_txn_amount_2: "0" };
  expect(factsOf({ ...renewal, transaction_amount: "29.00" })).toMatchObject([{ productId: "600200", rate: 2 }]);
});

const refund = {
  ...payment,
  event: "on_refund",
  transaction_type: "refund",
  transaction_id: "70020077",
  parent_transaction_id: "70020001",
};

test.each(["29.00", "-29.00"])("a refund of %s is one of 29.00, whatever its sign", (transaction_amount) => {
  expect(factOf({ ...refund, transaction_amount })).toMatchObject({
    kind: "refund",
    amount: eur(2900n),
    transactionId: "70020077",
    refunds: "70020001",
    rate: 1,
  });
});

test("a refund that names no payment, or itself, names none", () => {
  for (const parent_transaction_id of ["", "70020077"])
    expect(factOf({ ...refund, parent_transaction_id })).not.toHaveProperty("refunds");
});

test("a refund without a product is one of the whole order", () => {
  expect(factOf({ ...refund, product_id: "", order_item_id: "" })).toMatchObject({ kind: "refund", productId: "" });
});

test("a refund of nothing says nothing", () => {
  expect(factsOf({ ...refund, transaction_amount: "0.00" })).toEqual([]);
});

const chargeback = { ...refund, event: "on_chargeback", transaction_type: "chargeback", transaction_amount: "-29.00" };

test("a chargeback is a lost dispute: the money is gone, and nothing more will be said but a new payment", () => {
  expect(factOf(chargeback)).toMatchObject({ kind: "dispute_lost", amount: eur(2900n), rate: 1 });
});

test.each(["", "0.00"])("a chargeback of %j leaves the dispute open, so that access ends all the same", (amount) => {
  expect(factOf({ ...chargeback, transaction_amount: amount })).toMatchObject({ kind: "dispute_opened", rate: 1 });
});

const missed = {
  ...order,
  event: "on_payment_missed",
  transaction_type: "payment_missed",
  transaction_id: "70020055",
  pay_sequence_no: "2",
};

test.each(["", "unknown", "by_payment_denial", "by_payment_uncertain", "pay_alias_invalid"])(
  "a payment missed because of %j has failed",
  (billing_stop_reason) => {
    const fact = factOf({ ...missed, billing_stop_reason });
    expect(fact).toMatchObject({ kind: "payment_failed", transactionId: "70020055" });
    expect(fact).not.toHaveProperty("rate");
  },
);

test.each(["by_buyer", "by_operator", "upgraded", "by_refund", "by_chargeback"])(
  "a payment that is missing because the plan was stopped (%s) has not failed: the plan is cancelled",
  (billing_stop_reason) => {
    const stop = { billing_stop_reason, rebill_stop_noted_at: "2026-02-20 10:00:00", next_payment_at: "2026-05-01" };
    const fact = factOf({ ...missed, ...stop });
    expect(fact).toMatchObject({ kind: "cancelled", chosenByVendor: false, happenedAt: at("2026-02-20T09:00:00Z") });
    // The payment after the missed one is no promise of access until then.
    expect(fact).not.toHaveProperty("for");
  },
);

test("a payment denied is a payment failed, and the same one as the payment missed under its number", () => {
  const denied = { ...missed, event: "payment_denial", transaction_type: "payment_denial" };
  expect(factsOf(denied)).toEqual(factsOf(missed));
});

test("failures without a number of their own are told apart by when they happened", () => {
  const unnumbered = { ...missed, transaction_id: "" };
  const [one, other] = ["2026-03-01", "2026-04-01"].map((transaction_date) =>
    factOf({ ...unnumbered, transaction_date }),
  );
  expect(one?.identity).not.toBe(other?.identity);
  expect(one).toMatchObject({ transactionId: "T3STAB34-40020001-2-2026-03-01T07:00:00.000Z" });
});

test("the transaction of the payment before is not that of the failure that comes with it", () => {
  const fact = factOf({ ...missed, transaction_type: "payment" });
  expect(fact).toMatchObject({ kind: "payment_failed", transactionId: "T3STAB34-40020001-2" });
  expect(fact).not.toHaveProperty("happenedAt");
});

const cancelled = {
  ...order,
  event: "on_rebill_cancelled",
  transaction_type: "rebill_cancelled",
  pay_sequence_no: "2",
};

test.each([
  [{}, undefined],
  [{ next_payment_at: "2026-04-01" }, { day: "2026-04-01" }],
  [{ next_payment_at: "2026-04-01", is_cancelled_for: "2026-06-30" }, { day: "2026-06-30" }],
  [{ is_cancelled_for: "2026-06-30 12:00:00" }, { at: at("2026-06-30T10:00:00Z") }],
  [{ is_cancelled_for: "Y" }, undefined],
])("a cancellation with %j is for %j", (fields, until) => {
  const fact = factOf({ ...cancelled, ...fields });
  expect(fact).toMatchObject({ kind: "cancelled", chosenByVendor: false, ...(until && { for: until }) });
  if (!until) expect(fact).not.toHaveProperty("for");
});

test("a cancellation that comes with the payment before has no time but the one at which it was noted", () => {
  const with_payment = { ...cancelled, transaction_type: "payment", transaction_id: "70020001" };
  expect(factOf(with_payment)).not.toHaveProperty("happenedAt");
  const noted = factOf({ ...with_payment, rebill_stop_noted_at: "2026-03-10 11:00:00" });
  expect(noted).toMatchObject({ happenedAt: at("2026-03-10T10:00:00Z") });
});

test("a plan cancelled, resumed and cancelled again within a day is three facts", () => {
  const noted = (time: string) => ({ ...cancelled, rebill_stop_noted_at: `2026-03-10 ${time}` });
  const resumed = { ...cancelled, event: "on_rebill_resumed", transaction_type: "rebill_resumed" };
  const facts = [noted("10:00:00"), resumed, noted("12:00:00")].map((one) => factOf(one));
  expect(facts.map((fact) => fact?.kind)).toEqual(["cancelled", "resumed", "cancelled"]);
  expect(new Set(facts.map((fact) => fact?.identity)).size).toBe(3);
});

test("rebilling that goes on again is no payment", () => {
  const resumed = { ...payment, event: "on_rebill_resumed", transaction_type: "rebill_resumed" };
  expect(factOf(resumed)).toMatchObject({ kind: "resumed", happenedAt: at("2026-03-01T07:00:00Z") });
  expect(factOf({ ...resumed, transaction_type: "payment" })).not.toHaveProperty("happenedAt");
});

const ended = { ...order, event: "last_paid_day", transaction_type: "last_paid_day" };

test("the last paid day is the day before it is told", () => {
  const early = { transaction_date: "2026-04-01", transaction_time: "03:10:00" };
  expect(factOf({ ...ended, ...early })).toMatchObject({
    kind: "cancelled",
    for: { day: "2026-03-31" },
    chosenByVendor: false,
  });
  expect(factOf({ ...ended, ...early, transaction_time: "" })).toMatchObject({ for: { day: "2026-03-31" } });
  expect(factOf({ ...ended, ...early, is_cancelled_for: "2026-03-30" })).toMatchObject({ for: { day: "2026-03-30" } });
});

test("a last paid day without a time of its own names no day", () => {
  const silent = { transaction_date: "", transaction_time: "" };
  for (const fields of [silent, { transaction_type: "payment" }])
    expect(factOf({ ...ended, ...fields })).not.toHaveProperty("for");
});

test.each([cancelled, ended, { ...missed, billing_stop_reason: "by_buyer" }])(
  "$event does not stop instalments that are paid off",
  (fields) => {
    const rates = { ...fields, billing_type: "installment" };
    expect(factsOf({ ...rates, billing_status: "completed" })).toEqual([]);
    expect(factsOf({ ...rates, billing_status: "", order_billing_status: "completed" })).toEqual([]);
    expect(factsOf({ ...rates, billing_status: "aborted", order_billing_status: "completed" })).toHaveLength(1);
  },
);

test.each([
  [{ transaction_date: "2026-07-01", transaction_time: "08:00:00" }, "2026-07-01T06:00:00Z"],
  [{ transaction_date: "2026-01-01", transaction_time: "08:00" }, "2026-01-01T07:00:00Z"],
  [{ transaction_date: "2026-07-01 08:00:00", transaction_time: "" }, "2026-07-01T06:00:00Z"],
  [{ transaction_date: "", transaction_processed_at: "2026-07-01 08:00:00" }, "2026-07-01T06:00:00Z"],
  [{ transaction_time: "", transaction_processed_at: "2026-03-01 23:59:59" }, "2026-03-01T22:59:59Z"],
  [{ transaction_time: "" }, "2026-02-28T23:00:00Z"],
  [{ transaction_date: "2026-03-29", transaction_time: "02:30:00" }, "2026-03-29T01:30:00Z"],
])("with %j, read in German time, it happened at %s", (fields, time) => {
  expect(factOf({ ...payment, ...fields })).toMatchObject({ happenedAt: at(time) });
});

test("a time that cannot be read is the time of arrival", () => {
  expect(factOf({ ...payment, transaction_date: "soon" })).not.toHaveProperty("happenedAt");
});

test("amounts of currencies without places, and prices told under the other name, are read", () => {
  expect(factOf({ ...payment, transaction_amount: "500", transaction_currency: "JPY" })).toMatchObject({
    amount: { minor: 500n, currency: "JPY" },
  });
  const other = { transaction_amount: "", amount_brutto: "12.50", transaction_currency: "EUR", currency: "CHF" };
  expect(factOf({ ...payment, ...other })).toMatchObject({ amount: { minor: 1250n, currency: "CHF" } });
});

test("an upgrade's call speaks of the new order alone", () => {
  const upgrade = { ...payment, upgraded_order_id: "OLDORDER", delivery_date: "2026-03-15" };
  expect(readingOf(upgrade)).toEqual(readingOf(payment));
});
