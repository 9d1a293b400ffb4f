import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Reading } from "../domain/fact.ts";
import { dataWith, message, type Values } from "./fixtures/messages.ts";
import { bytes, vector } from "./fixtures/vectors.ts";
import { hotmart } from "./hotmart.ts";
import { parse } from "./parse.ts";

const eur = (minor: bigint) => ({ minor, currency: "EUR" });

function reading(body: Uint8Array): Reading {
  const parsed = parse(body);
  if (!parsed.ok) throw new Error(parsed.sentence);
  return parsed.reading;
}

/** What an event says of the published sale with some fields changed. */
const said = (event: string, purchase: Values = {}, changes: Values = {}) =>
  reading(message(event, dataWith(changes, purchase)));
const paid = (purchase: Values = {}, changes: Values = {}) => said("PURCHASE_APPROVED", purchase, changes);

test("the published sale is the first payment of a subscription", () => {
  expect(reading(bytes(vector("purchase-approved").body))).toEqual({
    event: "PURCHASE_APPROVED",
    orderId: "SUBTEST1",
    aliases: ["HP0000000000001"],
    buyer: { email: "kaeufer@example.com", firstName: "Jörg", lastName: "Müller" },
    facts: [
      {
        kind: "payment",
        transactionId: "HP0000000000001",
        amount: eur(11900n),
        rate: 1,
        identity: "payment:HP0000000000001:788921",
        productId: "788921",
        productName: "Grundkurs",
        happenedAt: 1772442930000,
        plan: { kind: "subscription" },
      },
    ],
  });
});

test.each([
  ["PURCHASE_APPROVED", "payment"],
  ["PURCHASE_BILLET_PRINTED", "payment_pending"],
  ["PURCHASE_CANCELED", "payment_failed"],
  ["PURCHASE_EXPIRED", "payment_failed"],
  ["PURCHASE_DELAYED", "payment_failed"],
  ["PURCHASE_REFUNDED", "refund"],
  ["PURCHASE_CHARGEBACK", "dispute_opened"],
  ["SUBSCRIPTION_CANCELLATION", "cancelled"],
])("%s is a %s", (event, kind) => {
  expect(said(event).facts.map((fact) => fact.kind)).toEqual([kind]);
});

test.each([
  "PURCHASE_COMPLETE",
  "PURCHASE_PROTEST",
  "PURCHASE_OUT_OF_SHOPPING_CART",
  "SWITCH_PLAN",
  "UPDATE_SUBSCRIPTION_CHARGE_DATE",
  "CLUB_FIRST_ACCESS",
  "CLUB_MODULE_COMPLETED",
  "SOMETHING_NEW",
])("%s says nothing", (event) => {
  expect(said(event)).toEqual({ event, orderId: "SUBTEST1", facts: [] });
  expect(reading(message(event, null))).toEqual({ event, facts: [] });
});

test("the end of the time for refunds is not another sale", () => {
  expect(said("PURCHASE_COMPLETE", { status: "COMPLETE" }).facts).toEqual([]);
});

test("each renewal has its own transaction and number, and belongs to the subscriber's order", () => {
  const next = { transaction: "HP0000000000002", recurrence_number: 2, date_next_charge: 1777713330000 };
  expect(paid(next)).toMatchObject({
    orderId: "SUBTEST1",
    aliases: ["HP0000000000002"],
    facts: [{ transactionId: "HP0000000000002", rate: 2, next: { at: 1777713330000 } }],
  });
});

test("without a subscription the purchase is the order, and is paid once", () => {
  const once = paid({}, { subscription: undefined });
  expect(once).toMatchObject({ orderId: "HP0000000000001", facts: [{ plan: { kind: "once" } }] });
  expect(once).not.toHaveProperty("aliases");
});

test("an order bump belongs to the order of the purchase it came with", () => {
  const order_bump = { is_order_bump: true, parent_purchase_transaction: "HP0000000000001" };
  const bump = paid({ transaction: "HP9", order_bump }, { subscription: null, product: { id: 5, name: "Workbook" } });
  expect(bump).toMatchObject({
    orderId: "HP0000000000001",
    aliases: ["HP9"],
    facts: [{ transactionId: "HP9", productId: "5" }],
  });
  const subscribed = paid({ transaction: "HP9", order_bump }, { subscription: { subscriber: { code: "SUB2" } } });
  expect(subscribed).toMatchObject({ orderId: "SUB2", aliases: ["HP0000000000001", "HP9"] });
});

test("the instalments between a buyer and the bank are no plan", () => {
  const cards = { payment: { type: "CREDIT_CARD", installments_number: 12 } };
  expect(paid(cards, { subscription: undefined }).facts).toMatchObject([
    { amount: eur(11900n), plan: { kind: "once" } },
  ]);
});

test("a refund is that of its own transaction", () => {
  expect(said("PURCHASE_REFUNDED", { status: "REFUNDED" }).facts).toMatchObject([
    { kind: "refund", transactionId: "HP0000000000001", refunds: "HP0000000000001", amount: eur(11900n), rate: 1 },
  ]);
});

test("a part refund, whose amount is not said, waits instead of taking everything", () => {
  expect(parse(message("PURCHASE_REFUNDED", dataWith({}, { status: "PARTIALLY_REFUNDED" })))).toMatchObject({
    ok: false,
    code: "unreadable_refund_amount",
  });
});

test("a refund that names no product concerns whatever its payment was for", () => {
  expect(said("PURCHASE_REFUNDED", {}, { product: undefined }).facts).toMatchObject([{ productId: "" }]);
});

test("that nothing repeats is only a sale's word", () => {
  const plan = (event: string) => said(event, {}, { subscription: undefined }).facts[0]?.plan;
  expect([plan("PURCHASE_BILLET_PRINTED"), plan("PURCHASE_REFUNDED"), plan("PURCHASE_CHARGEBACK")]).toEqual([
    { kind: "once" },
    undefined,
    undefined,
  ]);
});

test.each([
  [{ date_next_charge: 1775121330000 }, {}, 1775121330000],
  [{}, { date_next_charge: 1775121330000 }, 1775121330000],
  [{ date_next_charge: "1775121330000" }, {}, 1775121330000],
])("a cancelled subscription runs until the charge that no longer comes: %j %j", (changes, purchase, end) => {
  expect(said("SUBSCRIPTION_CANCELLATION", purchase, changes).facts).toMatchObject([
    { kind: "cancelled", for: { at: end }, chosenByVendor: false, productId: "788921", happenedAt: 1772442930000 },
  ]);
});

test("a cancellation that carries its subscriber at the top knows its order and its person by it", () => {
  const data = {
    subscriber: { code: "SUBTEST1", email: "kaeufer@example.com", name: "Jörg Müller" },
    cancellation_date: 1773000000000,
  };
  const alone = reading(message("SUBSCRIPTION_CANCELLATION", data));
  expect(alone).toMatchObject({
    orderId: "SUBTEST1",
    buyer: { email: "kaeufer@example.com", firstName: "Jörg Müller" },
    facts: [{ kind: "cancelled", productId: "", happenedAt: 1773000000000 }],
  });
  expect(alone.facts[0]).not.toHaveProperty("for");
  expect(parse(message("SUBSCRIPTION_CANCELLATION", {}))).toMatchObject({ code: "unreadable_subscription" });
});

test.each([
  ["CANCELLED_BY_SELLER", true],
  ["CANCELLED_BY_CUSTOMER", false],
  ["CANCELLED_BY_ADMIN", false],
])("%s: chosen by the vendor: %s", (status, chosenByVendor) => {
  const subscription = { status, subscriber: { code: "SUBTEST1" } };
  expect(said("SUBSCRIPTION_CANCELLATION", {}, { subscription }).facts).toMatchObject([{ chosenByVendor }]);
});

test("a payment delayed and then expired failed once", () => {
  const [delayed] = said("PURCHASE_DELAYED").facts;
  const [expired] = said("PURCHASE_EXPIRED").facts;
  expect(delayed?.identity).toBe(expired?.identity);
  expect(delayed?.identity).not.toBe(paid().facts[0]?.identity);
});

test.each([
  [119, 11900n],
  [19.99, 1999n],
  ["19.9", 1990n],
  [0, 0n],
])("the price %j is %s cents", (value, minor) => {
  expect(paid({ price: { value, currency_value: "EUR" } }).facts).toMatchObject([{ amount: eur(minor) }]);
});

test("what the buyer pays is booked, not the full price or the price in the offer's currency", () => {
  const prices = {
    price: { value: 50, currency_value: "BRL" },
    full_price: { value: 70, currency_value: "BRL" },
    original_offer_price: { value: 10, currency_value: "USD" },
  };
  expect(paid(prices).facts).toMatchObject([{ amount: { minor: 5000n, currency: "BRL" } }]);
});

test.each([
  ["unreadable_amount", { price: { value: -1, currency_value: "EUR" } }, {}],
  ["unreadable_amount", { price: { currency_value: "EUR" } }, {}],
  ["unreadable_amount", { price: { value: "19,90", currency_value: "EUR" } }, {}],
  ["unreadable_currency", { price: { value: 1 } }, {}],
  ["unreadable_currency", { price: null }, {}],
  ["unreadable_transaction", { transaction: null }, {}],
  ["unreadable_product", {}, { product: { name: "Grundkurs" } }],
])("%s: a sale with %j %j waits for the operator", (code, purchase, changes) => {
  expect(parse(message("PURCHASE_APPROVED", dataWith(changes, purchase)))).toMatchObject({ ok: false, code });
});

test("a failure, a pending payment and a chargeback are read without a price", () => {
  for (const event of ["PURCHASE_EXPIRED", "PURCHASE_BILLET_PRINTED", "PURCHASE_CHARGEBACK"])
    expect(said(event, { price: undefined }).facts).toHaveLength(1);
});

test.each([
  ["unreadable_encoding", new Uint8Array([0xff])],
  ["unreadable_json", bytes("hottok=x")],
  ["unreadable_shape", bytes("[]")],
  ["unreadable_event", bytes("{}")],
  ["unreadable_version", bytes('{"hottok":"x","prod":1,"status":"approved"}')],
])("%s: the message waits for the operator", (code, body) => {
  expect(parse(body)).toMatchObject({ ok: false, code });
});

test("a message of version 1 says which version to choose, and one with the envelope of 2.0.0 is read", () => {
  expect(parse(bytes('{"hottok":"x"}'))).toMatchObject({ sentence: expect.stringContaining("2.0.0") });
  expect(reading(message("PURCHASE_APPROVED", dataWith(), { version: "1.0.0", hottok: "x" }))).toEqual(paid());
});

test("creationDate, as one event writes it, is read like creation_date", () => {
  const written = { creation_date: undefined, creationDate: 1772442930000 };
  expect(reading(message("PURCHASE_EXPIRED", dataWith(), written))).toEqual(said("PURCHASE_EXPIRED"));
});

test.each([0, -1, 1.5, 1e18, "soon", null, {}])("%j is no time, and the payment is booked without one", (date) => {
  const [fact] = reading(
    message("PURCHASE_APPROVED", dataWith({}, { approved_date: date, date_next_charge: date }), {
      creation_date: date,
    }),
  ).facts;
  expect(fact).toMatchObject({ kind: "payment" });
  expect(fact).not.toHaveProperty("happenedAt");
  expect(fact).not.toHaveProperty("next");
});

test("a buyer without an address is left out, one without names parted keeps the whole name", () => {
  expect(paid({}, { buyer: { name: "Jörg" } })).not.toHaveProperty("buyer");
  expect(paid({}, { buyer: { email: "a@example.com", name: "Jörg Müller" } }).buyer).toEqual({
    email: "a@example.com",
    firstName: "Jörg Müller",
  });
});

test("no message tells whether it is of a test: the connection does", () => {
  expect(paid()).not.toHaveProperty("mode");
});

test("what could be stored is answered with 200, a wrong token with 401, and what has to come again with 503", () => {
  const status = (outcome: Parameters<typeof hotmart.answer>[0]) => hotmart.answer(outcome).status;
  expect([status("stored"), status("refused"), status("unavailable")]).toEqual([200, 401, 503]);
});

test("no bytes and no JSON make parsing throw", () => {
  const events = fc.constantFrom("PURCHASE_APPROVED", "PURCHASE_REFUNDED", "SUBSCRIPTION_CANCELLATION", "OTHER");
  const fields = (...names: string[]) => fc.dictionary(fc.constantFrom(...names), fc.jsonValue());
  const body = fc.oneof(
    fc.uint8Array().map((data) => new Uint8Array(data)),
    fc.tuple(events, fc.jsonValue()).map(([event, data]) => message(event, data)),
    fc
      .tuple(
        events,
        fields("purchase", "product", "buyer", "subscription", "subscriber", "date_next_charge"),
        fields("transaction", "status", "price", "order_bump", "recurrence_number", "date_next_charge"),
      )
      .map(([event, changes, purchase]) => message(event, dataWith(changes, purchase))),
  );
  fc.assert(
    fc.property(body, (one) => {
      const parsed = parse(one);
      if (!parsed.ok) expect(parsed.code).toMatch(/^unreadable_/);
      else for (const fact of parsed.reading.facts) expect(fact.identity.startsWith(`${fact.kind}:`)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
