import { expect, test } from "vitest";
import { readingOf } from "./fixtures/call.ts";
import { bytes, vector, vectors } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";

const at = (text: string) => Date.parse(text);
const eur = (minor: bigint) => ({ minor, currency: "EUR" });

const course = {
  kind: "payment",
  transactionId: "70010002",
  amount: eur(11900n),
  rate: 1,
  productId: "600100",
  productName: "Grundkurs Töpfern & Glasur",
  quantity: 1,
  plan: { kind: "once" },
  happenedAt: at("2026-03-02T08:15:30Z"),
  identity: "payment:70010002:T3STAB12:600100:40010001",
};
const club = {
  productId: "600200",
  plan: { kind: "subscription" },
};

const expected = [
  {
    vector: "sale-single-umlauts",
    says: {
      event: "on_payment",
      mode: "live",
      orderId: "T3STAB12",
      buyer: {
        email: "jörg.müller@example.com",
        firstName: "Jörg",
        lastName: "Müller-Straße",
        country: "DE",
        reference: "u:42;ref=a+b/c==",
      },
      facts: [course],
    },
  },
  {
    vector: "renewal-4th-payment",
    says: {
      event: "on_payment",
      mode: "live",
      orderId: "T3STAB34",
      buyer: { email: "abo@example.com", firstName: "Ada", lastName: "Test" },
      facts: [
        {
          ...club,
          kind: "payment",
          transactionId: "70020009",
          productName: "Mitgliedschaft",
          amount: eur(2900n),
          rate: 4,
          next: { day: "2026-05-01" },
          plan: { kind: "subscription", interval: { unit: "month", count: 1 } },
          identity: "payment:70020009:T3STAB34:600200:40020001",
        },
      ],
    },
  },
  {
    vector: "refund",
    says: {
      event: "on_refund",
      mode: "live",
      orderId: "T3STAB12",
      buyer: { email: "kunde@example.com" },
      facts: [
        {
          kind: "refund",
          transactionId: "70010077",
          amount: eur(11900n),
          refunds: "70010002",
          productId: "600100",
          plan: { kind: "once" },
          identity: "refund:70010077:T3STAB12:600100:40010001",
        },
      ],
    },
  },
  {
    vector: "lower-case-hex-signature",
    says: {
      event: "last_paid_day",
      mode: "test",
      orderId: "T3STAB34",
      buyer: { email: "abo@example.com" },
      facts: [{ ...club, kind: "cancelled", chosenByVendor: false, identity: "cancelled::T3STAB34:600200:/:" }],
    },
  },
  { vector: "connection-test-signed", says: { event: "connection_test", mode: "live", facts: [] } },
  {
    vector: "non-ascii-passphrase",
    says: {
      event: "on_rebill_cancelled",
      mode: "live",
      orderId: "T3STAB34",
      buyer: { email: "abo@example.com" },
      facts: [
        { productId: "600200", kind: "cancelled", chosenByVendor: false, identity: "cancelled::T3STAB34:600200:/:" },
      ],
    },
  },
  {
    vector: "upper-case-key-convention",
    says: {
      event: "on_payment_missed",
      mode: "live",
      orderId: "T3STAB34",
      facts: [
        {
          productId: "600200",
          kind: "payment_failed",
          transactionId: "T3STAB34",
          identity: "payment_failed::T3STAB34:600200",
        },
      ],
    },
  },
  { vector: "html-entity-in-value-signed-raw", refused: "unreadable_amount" },
];

test("the table above speaks of every valid vector", () => {
  expect(expected.map((row) => row.vector)).toEqual(vectors.filter(({ valid }) => valid).map(({ name }) => name));
});

test.each(expected)("$vector says what the table says", (row) => {
  const parsed = parse(bytes(vector(row.vector).body));
  expect(parsed).toEqual(
    row.says
      ? { ok: true, reading: row.says }
      : { ok: false, code: row.refused, sentence: expect.stringContaining("transaction_amount") },
  );
});

const sale = {
  event: "on_payment",
  api_mode: "live",
  order_id: "T3STAB12",
  order_item_id: "40010001",
  product_id: "600100",
  product_name: "Grundkurs",
  billing_type: "single_payment",
  pay_sequence_no: "0",
  transaction_id: "70010002",
  transaction_type: "payment",
  transaction_amount: "119.00",
  transaction_currency: "EUR",
  transaction_date: "2026-03-02",
  transaction_time: "09:15:30",
  email: "kim@example.com",
};

test.each([
  ["event", ""],
  ["order_id", ""],
  ["product_id", ""],
  ["transaction_id", ""],
  ["transaction_amount", ""],
  ["transaction_amount", "119,00"],
  ["transaction_currency", "XXX"],
])("a payment whose %s is %j waits, and the sentence names the field", (name, value) => {
  const body = new URLSearchParams({ ...sale, [name]: value }).toString();
  const code = `unreadable_${name.replace("transaction_amount", "amount").replace("transaction_currency", "currency")}`;
  expect(parse(bytes(body))).toEqual({ ok: false, code, sentence: expect.stringContaining(name) });
});

test.each(["connection_test", "on_affiliation", "eticket", "custom_form", "on_something_new"])(
  "%s is read, says nothing, and whose address it carries is not the buyer's",
  (event) => {
    const reading = readingOf({ event, api_mode: "live", email: "partner@example.com", product_id: "600100" });
    expect(reading).toEqual({ event, mode: "live", facts: [] });
  },
);

test("an e-ticket names its order, so that it is forgotten with the buyer", () => {
  expect(readingOf({ event: "eticket", order_id: "T3STAB12", eticket_id: "9" })).toEqual({
    event: "eticket",
    orderId: "T3STAB12",
    facts: [],
  });
});

test.each([
  [{ api_mode: "test" }, "test"],
  [{ api_mode: "live", pay_method: "test" }, "test"],
  [{ api_mode: "live", pay_method: "paypal" }, "live"],
  [{ api_mode: "live" }, "live"],
  [{ api_mode: "", pay_method: "creditcard" }, "live"],
  [{ api_mode: "", pay_method: "" }, undefined],
])("with %j it is %s", (fields, mode) => {
  expect(readingOf({ ...sale, ...fields }).mode).toBe(mode);
});

test.each([
  [{ email: "", buyer_email: " b@example.com " }, "b@example.com"],
  [{ email: undefined, address_email: "c@example.com" }, "c@example.com"],
  [{ email: "a@example.com", buyer_email: "b@example.com" }, "a@example.com"],
])("the first address that is filled in is the buyer's: %j", (fields, email) => {
  expect(readingOf({ ...sale, ...fields }).buyer).toEqual({ email });
});

test("a call without an address says whose order it is no more than others of the order do", () => {
  const { buyer, facts } = readingOf({ ...sale, email: "" });
  expect(buyer).toBeUndefined();
  expect(facts).toHaveLength(1);
});

test("name, company, country, language and the vendor's own text are read where they stand", () => {
  const person = {
    address_first_name: "Ada",
    billing_last_name: "Test",
    billing_company: "Beispiel GmbH",
    billing_country: "at",
    buyer_language: "de",
    custom: "u:42",
    order_date: "2026-03-01",
  };
  expect(readingOf({ ...sale, ...person })).toMatchObject({
    orderedOn: "2026-03-01",
    buyer: {
      email: "kim@example.com",
      firstName: "Ada",
      lastName: "Test",
      company: "Beispiel GmbH",
      country: "AT",
      language: "de",
      reference: "u:42",
    },
  });
});

test("the day of the order is read from its date and time where it stands alone", () => {
  expect(readingOf({ ...sale, order_date_time: "2026-03-01 23:59:59" }).orderedOn).toBe("2026-03-01");
});

test("an empty field says as little as a missing one", () => {
  const empty = Object.fromEntries(
    ["parent_transaction_id", "next_payment_at", "billing_stop_reason", "quantity", "product_id_2", "custom"].map(
      (name) => [name, ""],
    ),
  );
  expect(readingOf({ ...sale, ...empty })).toEqual(readingOf(sale));
});
