import * as fc from "fast-check";
import { expect, test } from "vitest";
import { dataWith, message } from "./fixtures/messages.ts";
import { bytes, vectors } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";

const text = (data: Uint8Array) => new TextDecoder().decode(data);

const person = { email: "kaeufer@example.com", name: "Jörg Müller", document: "12345678900", code: "SUBTEST1" };
const everything = dataWith(
  {
    subscriber: person,
    affiliates: [{ name: "Jörg" }],
    commissions: [{ source: "PRODUCER", value: 1, name: "Müller" }],
    subscription: { status: "ACTIVE", plan: { id: 1, name: "Monat" }, subscriber: person },
  },
  { buyer_ip: "192.0.2.7", payment: { type: "PIX", pix_name: "Jörg" } },
);

const bodies = [
  ...vectors.map(({ name, body }) => [name, bytes(body)] as const),
  ["a sale with everything", message("PURCHASE_APPROVED", everything, { hottok: "hottok-test-0001" })] as const,
  ["a refund", message("PURCHASE_REFUNDED", everything)] as const,
  ["a cancellation", message("SUBSCRIPTION_CANCELLATION", everything)] as const,
];

test.each(bodies)("%s says the same without the person", (_, body) => {
  const [before, after] = [parse(body), parse(redact(body))];
  if (!before.ok) throw new Error("the message cannot be read");
  expect(after).toEqual({ ok: true, reading: { ...before.reading, buyer: { email: "" } } });
});

test.each(bodies)("%s keeps neither the buyer nor the token", (_, body) => {
  expect(text(redact(body))).not.toMatch(/kaeufer|jörg|müller|12345678900|192\.0\.2|hottok-test/i);
});

test.each(bodies)("%s redacted twice is redacted once", (_, body) => {
  const once = redact(body);
  expect(redact(once)).toEqual(once);
});

test("prices, dates and ids stay as they were", () => {
  expect(JSON.parse(text(redact(message("PURCHASE_APPROVED", everything))))).toMatchObject({
    creation_date: 1772442930000,
    data: {
      purchase: { transaction: "HP0000000000001", price: { value: 119, currency_value: "EUR" } },
      product: { id: 788921, name: "Grundkurs" },
      buyer: null,
    },
    redacted: true,
  });
});

test.each(["", "Jörg", '["jörg"]', "null", '{"data":'])("a body that is no JSON object keeps nothing: %j", (body) => {
  expect(JSON.parse(text(redact(bytes(body))))).toEqual({ redacted: true });
});

test("a name that means something to JavaScript is a field like any other", () => {
  const body = '{"__proto__":{"email":"a@example.de"},"constructor":"Jörg","toString":1,"id":"A1"}';
  expect(text(redact(bytes(body)))).toBe(
    '{"__proto__":null,"constructor":null,"toString":null,"id":"A1","redacted":true}',
  );
});

test("no bytes make redacting throw, and what a message says of money stays", () => {
  const fields = fc.dictionary(fc.constantFrom("transaction", "status", "price", "order_bump"), fc.jsonValue());
  const body = fc.oneof(
    fc.uint8Array().map((data) => new Uint8Array(data)),
    fc.jsonValue().map((value) => bytes(JSON.stringify(value))),
    fields.map((purchase) => message("PURCHASE_APPROVED", dataWith({}, purchase))),
  );
  fc.assert(
    fc.property(body, (one) => {
      const [before, after] = [parse(one), parse(redact(one))];
      if (before.ok) expect(after).toMatchObject({ ok: true, reading: { facts: before.reading.facts } });
    }),
    { numRuns: 500 },
  );
});
