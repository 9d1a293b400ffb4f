import * as fc from "fast-check";
import { expect, test } from "vitest";
import { confirmed, message } from "./fixtures/messages.ts";
import { bytes, vector } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";

const text = (data: Uint8Array) => new TextDecoder().decode(data);

const person = { email: "kaeufer@example.com", first_name: "Jörg", phone: "+49 30 1234567" };
const bodies = [
  ["the observed form", bytes(vector("payment-successful-form").body)] as const,
  ["its JSON", message({ gift_receiver: person, publisher: person, error_msg: "Jörg has no money" })] as const,
  ["a refund", message({ event: "refund.successful", invoice_link: "https://ablefy.example.com/Jörg" })] as const,
];

test.each(bodies)("%s says the same without the person, who does not come back with the reply", (_, body) => {
  const known = confirmed(58000001, { payer: person });
  const [before, after] = [parse(body, known), parse(redact(body), known)];
  if (!before.ok) throw new Error("the message cannot be read");
  expect(after).toEqual({ ok: true, reading: { ...before.reading, buyer: { email: "" } } });
});

test.each(bodies)("%s keeps nothing of the buyer, nor of what opens without a key", (_, body) => {
  expect(text(redact(body))).not.toMatch(/kaeufer|jörg|müller|1234567|TestOrderToken|https:/i);
});

test.each(bodies)("%s redacted twice is redacted once", (_, body) => {
  const once = redact(body);
  expect(redact(once)).toEqual(once);
});

test("amounts, dates and numbers stay as they were", () => {
  expect(JSON.parse(text(redact(bytes(vector("payment-successful-form").body))))).toMatchObject({
    order_id: "900001",
    revenue: "29.0",
    payments_schedule: [{ date: "02.03.2026" }, { date: "02.04.2026" }],
    payer: null,
    redacted: true,
  });
});

test("a body that is no message keeps nothing, not even what could be the name of a field", () => {
  for (const body of [new Uint8Array([0xff]), bytes("{"), bytes('["Jörg"]'), bytes(""), bytes("Jörg Müller")])
    expect(JSON.parse(text(redact(body)))).toEqual({ redacted: true });
});

test("no bytes make redacting throw, and what a message says of money stays", () => {
  const fields = fc.dictionary(
    fc.constantFrom("payments_schedule", "product", "membership", "revenue", "recurring", "order_id"),
    fc.jsonValue(),
  );
  const body = fc.oneof(
    fc.uint8Array().map((data) => new Uint8Array(data)),
    fc.jsonValue().map((value) => bytes(JSON.stringify(value))),
    fields.map(message),
  );
  fc.assert(
    fc.property(body, (one) => {
      const [before, after] = [parse(one, confirmed()), parse(redact(one), confirmed())];
      if (before.ok) expect(after).toMatchObject({ ok: true, reading: { facts: before.reading.facts } });
    }),
    { numRuns: 500 },
  );
});
