import { expect, test } from "vitest";
import { wholeOrder } from "../domain/fact.ts";
import { adjustment, customer, message, once, price, subscription, transaction } from "./fixtures/messages.ts";
import { bytes, vector } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";

const at = (text: string) => Date.parse(text);
const eur = (minor: bigint) => ({ minor, currency: "EUR" });
const monthly = { kind: "subscription", interval: { unit: "month", count: 1 } };

function read(body: Uint8Array<ArrayBuffer>, known?: Parameters<typeof parse>[1]) {
  const parsed = parse(body, known);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.reading;
}

const paid = (...given: Parameters<typeof transaction>) =>
  read(message("transaction.completed", transaction(...given)));

test("the published sale is a payment of an unnamed product, by nobody known", () => {
  expect(read(bytes(vector("transaction-completed").body))).toEqual({
    event: "transaction.completed",
    orderId: "txn_01testtesttesttesttest0001",
    facts: [
      {
        kind: "payment",
        transactionId: "txn_01testtesttesttesttest0001",
        amount: eur(11900n),
        identity: "payment:txn_01testtesttesttesttest0001:unnamed",
        productId: "unnamed",
        happenedAt: at("2026-03-02T09:15:30.123Z"),
      },
    ],
  });
});

test("a sale tells product, plan, quantity, due date, and the time it was captured", () => {
  const club = { price: price("club"), total: "5700", quantity: 3 };
  const period = { starts_at: "2026-03-02T09:15:00Z", ends_at: "2026-04-02T09:15:00Z" };
  expect(paid([club], { billing_period: period })).toEqual({
    event: "transaction.completed",
    orderId: "txn_01first",
    buyer: { email: "kim@example.com", reference: "konto-7" },
    facts: [
      {
        kind: "payment",
        transactionId: "txn_01first",
        amount: eur(5700n),
        next: { at: at("2026-04-02T09:15:00Z") },
        identity: "payment:txn_01first:pro_club",
        productId: "pro_club",
        productName: "Product pro_club",
        plan: monthly,
        quantity: 3,
        happenedAt: at("2026-03-02T09:15:10Z"),
      },
    ],
  });
});

test("the two messages of one payment tell the same fact, whether or not the subscription is known yet", () => {
  const data = transaction([{ price: price("club"), total: "1900" }], { billed_at: null });
  const early = read(message("transaction.paid", data, "2026-03-02T09:15:20Z"));
  const late = read(message("transaction.completed", { ...data, subscription_id: "sub_01club" }));
  expect(late.facts).toEqual(early.facts);
  expect(early).toMatchObject({ orderId: "txn_01first" });
  expect(early.aliases).toBeUndefined();
  expect(late).toMatchObject({ orderId: "sub_01club", aliases: ["txn_01first"] });
});

test("a renewal belongs to the order of its subscription and has a transaction of its own", () => {
  const more = { id: "txn_02renewal", subscription_id: "sub_01club", origin: "subscription_recurring" };
  expect(paid([{ price: price("club"), total: "1900" }], more)).toMatchObject({
    orderId: "sub_01club",
    aliases: ["txn_02renewal"],
    facts: [{ kind: "payment", transactionId: "txn_02renewal", productId: "pro_club", amount: eur(1900n) }],
  });
});

test("several products share what was paid in proportion, to the last cent", () => {
  const lines = ["a", "b", "c"].map((product) => ({ price: price(product, once), total: "1000" }));
  const details = transaction(lines).details;
  const totals = { ...details.totals, total: "3000", credit: "1000", grand_total: "2000" };
  const facts = paid(lines, { details: { ...details, totals } }).facts;
  expect(facts).toMatchObject([
    { productId: "pro_a", amount: eur(666n), plan: { kind: "once" } },
    { productId: "pro_b", amount: eur(667n) },
    { productId: "pro_c", amount: eur(667n) },
  ]);
});

test("two prices of one product are one item", () => {
  const seats = { price: price("club"), total: "1900", quantity: 2 };
  const setup = { price: price("club", { id: "pri_setup", ...once }), total: "500" };
  for (const lines of [
    [seats, setup],
    [setup, seats],
  ]) {
    expect(paid(lines).facts).toMatchObject([
      { productId: "pro_club", amount: eur(2400n), plan: monthly, quantity: 3 },
    ]);
  }
});

test("without totals of the lines the list prices weigh", () => {
  const lines = [
    { price: price("a"), total: "0" },
    { price: price("b", { unit_price: { amount: "5700" } }), total: "0" },
  ];
  const details = { totals: { total: "4000" } };
  expect(paid(lines, { details }).facts).toMatchObject([{ amount: eur(1000n) }, { amount: eur(3000n) }]);
});

test("a sale for nothing is a payment over 0", () => {
  expect(paid([{ price: price("gift", once), total: "0" }]).facts).toMatchObject([
    { kind: "payment", amount: eur(0n) },
  ]);
});

test("the transaction that starts a trial is no payment, but what was bought beside it is", () => {
  const trial = { price: price("club", { trial_period: { interval: "day", frequency: 14 } }), total: "0" };
  expect(paid([trial]).facts).toEqual([]);
  expect(paid([trial, { price: price("book", once), total: "900" }]).facts).toMatchObject([
    { productId: "pro_book", amount: eur(900n) },
  ]);
  const renewed = paid([trial], { origin: "subscription_recurring", subscription_id: "sub_01club" });
  expect(renewed.facts).toMatchObject([{ kind: "payment", amount: eur(0n) }]);
});

test("a change of payment method and a free change of plan grant nothing new", () => {
  const club = [{ price: price("club"), total: "0" }];
  for (const origin of ["subscription_payment_method_change", "subscription_update"])
    expect(paid(club, { origin, subscription_id: "sub_01club" })).toMatchObject({ orderId: "sub_01club", facts: [] });
});

test("a prorated change of plan is paid until the end of the running period", () => {
  const data = transaction([{ price: price("pro"), total: "700" }], { origin: "subscription_update" });
  const end = "2026-04-02T09:15:10Z";
  const line = { ...data.details.line_items[0], proration: { rate: "0.4", billing_period: { ends_at: end } } };
  const facts = read(
    message("transaction.completed", { ...data, details: { ...data.details, line_items: [line] } }),
  ).facts;
  expect(facts).toMatchObject([{ kind: "payment", productId: "pro_pro", next: { at: at(end) } }]);
});

test("a failed payment counts for a renewal, and not for a first purchase", () => {
  const club = [{ price: price("club"), total: "1900" }];
  const first = read(message("transaction.payment_failed", transaction(club)));
  expect(first.facts).toEqual([]);
  const more = { id: "txn_02", origin: "subscription_recurring", subscription_id: "sub_01club" };
  const renewal = read(message("transaction.payment_failed", transaction(club, more)));
  expect(renewal).toMatchObject({
    orderId: "sub_01club",
    facts: [{ kind: "payment_failed", transactionId: "txn_02", productId: "pro_club", plan: monthly }],
  });
});

test.each(["past_due", "billed", "canceled", "created", "updated", "ready", "revised"])(
  "transaction.%s says nothing",
  (word) => {
    const body = message(`transaction.${word}`, transaction([{ price: price("club"), total: "1900" }]));
    expect(read(body).facts).toEqual([]);
  },
);

test.each([
  ["currency", { currency_code: "XXX", details: { totals: { total: "1" } } }],
  ["amount", { details: { totals: {} } }],
  ["amount", { details: { totals: { total: "19.00" } } }],
  ["amount", { details: { totals: { grand_total: "-1" } } }],
])("a payment whose %s cannot be read waits", (what, more) => {
  const body = message("transaction.completed", transaction([{ price: price("club"), total: "1900" }], more));
  expect(parse(body)).toMatchObject({ ok: false, code: `unreadable_${what}` });
});

test("yen have no cents", () => {
  const details = { totals: { total: "500", currency_code: "JPY" } };
  expect(paid([{ price: price("club"), total: "500" }], { currency_code: "JPY", details }).facts).toMatchObject([
    { amount: { minor: 500n, currency: "JPY" } },
  ]);
});

test("the buyer is who Paddle says it is, before what the checkout passed", () => {
  const body = message("transaction.completed", transaction([{ price: price("club"), total: "1900" }]));
  const told = read(body, { replies: [customer({ email: "kim.deboer@example.com" })] });
  expect(told.buyer).toEqual({
    email: "kim.deboer@example.com",
    firstName: "Kim",
    lastName: "de Boer",
    language: "de",
    reference: "konto-7",
  });
  const other = read(body, { replies: [customer({ id: "ctm_other" })] });
  expect(other.buyer).toEqual({ email: "kim@example.com", reference: "konto-7" });
});

test("without a customer and without an address in custom_data there is no buyer", () => {
  for (const custom_data of [null, {}, { email: "" }, "kim@example.com"])
    expect(paid([{ price: price("club"), total: "1900" }], { custom_data }).buyer).toBeUndefined();
});

test("a trial lasts as long as its item says", () => {
  const trial_dates = { starts_at: "2026-03-02T09:15:10Z", ends_at: "2026-03-16T09:15:10Z" };
  const items = [{ status: "trialing", price: price("club"), product: { name: "Club" }, trial_dates }];
  const expected = {
    orderId: "sub_01club",
    aliases: ["txn_01first"],
    facts: [
      {
        kind: "trial",
        to: { at: at("2026-03-16T09:15:10Z") },
        identity: "trial:sub_01club:pro_club:2026-03-16T09%3A15%3A10.000Z",
        productId: "pro_club",
        productName: "Club",
        plan: monthly,
        happenedAt: at("2026-03-02T09:15:10Z"),
      },
    ],
  };
  const trialing = subscription({ status: "trialing", items });
  for (const word of ["created", "trialing", "updated"])
    expect(read(message(`subscription.${word}`, trialing))).toMatchObject(expected);
  expect(read(message("subscription.activated", subscription({ items }))).facts).toEqual([]);
});

test("a trial without dates of its own ends with the billing period", () => {
  const body = message("subscription.trialing", subscription({ status: "trialing" }));
  expect(read(body).facts).toMatchObject([{ kind: "trial", to: { at: at("2026-04-02T09:15:10Z") } }]);
});

test.each([
  ["cancel", "cancelled"],
  ["pause", "cancelled"],
])("a change scheduled to %s stops the plan on its day", (action, kind) => {
  const scheduled_change = { action, effective_at: "2026-04-02T09:15:10Z", resume_at: null };
  const body = message("subscription.updated", subscription({ scheduled_change }), "2026-03-10T00:00:00Z");
  expect(read(body).facts).toMatchObject([
    {
      kind,
      for: { at: at("2026-04-02T09:15:10Z") },
      chosenByVendor: false,
      productId: "pro_club",
      happenedAt: at("2026-03-10T00:00:00Z"),
    },
  ]);
});

test("the end itself is told when it is there", () => {
  const canceled = subscription({ status: "canceled", canceled_at: "2026-04-02T09:15:12Z" });
  expect(read(message("subscription.canceled", canceled)).facts).toMatchObject([
    { kind: "cancelled", for: { at: at("2026-04-02T09:15:12Z") } },
  ]);
  const paused = subscription({ status: "paused", paused_at: "2026-04-02T09:15:13Z" });
  expect(read(message("subscription.paused", paused)).facts).toMatchObject([
    { kind: "cancelled", for: { at: at("2026-04-02T09:15:13Z") } },
  ]);
});

test("a cancellation that was withdrawn resumes the plan; a renewal says nothing of it", () => {
  const withdrawn = message("subscription.updated", subscription(), "2026-03-12T00:00:00Z");
  expect(read(withdrawn).facts).toMatchObject([{ kind: "resumed", happenedAt: at("2026-03-12T00:00:00Z") }]);
  expect(read(message("subscription.updated", subscription(), "2026-03-02T09:16:00Z")).facts).toEqual([]);
  const late = message("subscription.updated", subscription({ status: "past_due" }), "2026-03-12T00:00:00Z");
  expect(read(late).facts).toEqual([]);
});

test("a paused subscription goes on when it is resumed", () => {
  expect(read(message("subscription.resumed", subscription())).facts).toMatchObject([
    { kind: "resumed", productId: "pro_club" },
  ]);
});

test("without items a subscription speaks of the whole order", () => {
  const body = message("subscription.canceled", subscription({ items: [] }));
  expect(read(body).facts).toMatchObject([{ kind: "cancelled", productId: wholeOrder }]);
});

const refund = (more: object, known?: Parameters<typeof parse>[1]) =>
  read(message("adjustment.updated", adjustment(more)), known);

test("an approved refund names the transaction it gives back, and no order", () => {
  const reading = refund({ subscription_id: "sub_01club" });
  expect(reading).toEqual({
    event: "adjustment.updated",
    aliases: ["txn_01first", "sub_01club"],
    facts: [
      {
        kind: "refund",
        transactionId: "adj_01back",
        amount: eur(1900n),
        refunds: "txn_01first",
        identity: "refund:adj_01back:",
        productId: wholeOrder,
        happenedAt: at("2026-03-06T10:00:00Z"),
      },
    ],
  });
});

test.each(["pending_approval", "rejected"])("a refund that is %s says nothing", (status) => {
  expect(refund({ status }).facts).toEqual([]);
});

test("a refund that was reversed counts as never given", () => {
  expect(refund({ status: "reversed" }).facts).toMatchObject([{ kind: "refund_reversed", reverses: "adj_01back" }]);
});

test.each(["credit", "credit_reverse", "something_new"])("the action %s moves no money to the buyer", (action) => {
  expect(refund({ action }).facts).toEqual([]);
});

test("warning, chargeback and reversal are one dispute about the transaction", () => {
  const words = [
    ["chargeback_warning", "approved", "dispute_opened"],
    ["chargeback", "approved", "dispute_opened"],
    ["chargeback", "reversed", "dispute_won"],
    ["chargeback_reverse", "approved", "dispute_won"],
    ["chargeback_warning_reverse", "approved", "dispute_won"],
  ] as const;
  for (const [action, status, kind] of words)
    expect(refund({ action, status }).facts).toMatchObject([
      { kind, transactionId: "txn_01first", amount: eur(1900n), productId: wholeOrder },
    ]);
});

const lines = [
  { price: price("a", once), total: "1000" },
  { price: price("b", once), total: "2000" },
];
const part = {
  type: "partial",
  items: [{ item_id: "txnitm_1", type: "full", amount: "2000", totals: { total: "2000" } }],
  totals: { total: "2000" },
};
const asked = { replies: [{ status: 200, body: bytes(JSON.stringify({ data: transaction(lines) })) }] };

test("a refund of one line is that of its product where Paddle was asked, and of the whole order where not", () => {
  expect(refund(part, asked).facts).toMatchObject([{ productId: "pro_b", amount: eur(2000n), refunds: "txn_01first" }]);
  expect(refund(part).facts).toMatchObject([{ productId: wholeOrder, amount: eur(2000n) }]);
});

test.each([
  ["a line nobody knows", { ...part, items: [{ item_id: "txnitm_9", totals: { total: "2000" } }] }],
  ["lines that do not add up", { ...part, totals: { total: "2001" } }],
  ["everything", { ...part, type: "full" }],
])("a refund of %s is not taken apart", (_, more) => {
  expect(refund(more, asked).facts).toMatchObject([{ productId: wholeOrder }]);
});

test("an adjustment without its transaction or amount waits", () => {
  const without = (more: object) => parse(message("adjustment.created", adjustment(more)));
  expect(without({ transaction_id: null })).toMatchObject({ code: "unreadable_transaction" });
  expect(without({ totals: {} })).toMatchObject({ code: "unreadable_amount" });
  expect(without({ currency_code: "", totals: { total: "1" } })).toMatchObject({ code: "unreadable_currency" });
});

test.each(["customer.created", "product.updated", "price.created", "something.new"])("%s says nothing", (event) => {
  expect(parse(message(event, { id: "x", email: "kim@example.com" }))).toEqual({
    ok: true,
    reading: { event, facts: [] },
  });
});

test.each([
  ["", "unreadable_json"],
  ["[]", "unreadable_shape"],
  ["{}", "unreadable_event_type"],
  ['{"event_type":"transaction.paid"}', "unreadable_data"],
  ['{"event_type":"transaction.paid","data":{}}', "unreadable_id"],
])("the body %j is %s", (body, code) => {
  expect(parse(bytes(body))).toMatchObject({ ok: false, code });
});

test("a message of Paddle Classic is named", () => {
  expect(parse(bytes('{"alert_name":"payment_succeeded"}'))).toMatchObject({
    sentence: expect.stringContaining("Paddle Classic"),
  });
});
