import * as fc from "fast-check";
import { expect, test } from "vitest";
import { created, event, invoice, line, periodEnd, session, subscription } from "./fixtures/events.ts";
import { bytes, vectors } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";

const text = (data: Uint8Array) => new TextDecoder().decode(data);

const refund = {
  object: "refund",
  id: "re_1",
  amount: 1,
  currency: "eur",
  charge: "ch_1",
  created,
  status: "succeeded",
};
const planned = subscription({ cancel_at_period_end: true, cancel_at: periodEnd, canceled_at: created });
const bodies: [string, Uint8Array<ArrayBuffer>][] = [
  ...vectors.map(({ name, body }): [string, Uint8Array<ArrayBuffer>] => [name, bytes(body)]),
  ["a checkout", event("checkout.session.completed", session())],
  ["an invoice", event("invoice.paid", invoice([line("prod_A", 2900)]))],
  ["an invoice without an address", event("invoice.paid", invoice([line("prod_A", 2900)], { customer_email: null }))],
  ["a cancellation", event("customer.subscription.updated", planned)],
  ["a withdrawal", event("customer.subscription.updated", subscription(), {}, { cancel_at: periodEnd })],
  ["a refund", event("refund.created", refund)],
];

test.each(bodies)("%s says the same without the person", (_, body) => {
  const before = parse(body);
  const after = parse(redact(body));
  if (!before.ok) throw new Error("the event cannot be read");
  const { buyer, ...rest } = before.reading;
  expect(after).toEqual({ ok: true, reading: { ...rest, ...(buyer && { buyer: { email: "" } }) } });
});

test.each(bodies)("%s redacted twice is redacted once", (_, body) => {
  expect(redact(redact(body))).toEqual(redact(body));
});

test("nothing of the buyer is left, wherever Stripe puts it", () => {
  const person = {
    name: "Jo Sommer",
    email: "jo.sommer@example.com",
    phone: "+49301234",
    address: { city: "Sommerau" },
  };
  const body = event(
    "charge.refunded",
    {
      id: "ch_1",
      object: "charge",
      amount_refunded: 100,
      currency: "eur",
      billing_details: person,
      shipping: person,
      customer: { id: "cus_1", object: "customer", ...person, description: "Jo Sommer", metadata: { jo: "Sommer" } },
      customer_details: person,
      customer_email: person.email,
      customer_name: person.name,
      client_reference_id: "jo.sommer",
      custom_fields: [{ key: "sommer", text: { value: "Sommer" } }],
      payment_method_details: { card: { last4: "4242", exp_year: 2031, name: "SOMMER" } },
      receipt_email: person.email,
      metadata: { product_id: "kurs", buyer: "Jo Sommer" },
      description: "Kurs für Jo Sommer",
      evidence: { customer_purchase_ip: "203.0.113.9", dob: { year: 1990 } },
      something_new: { of: "Sommer", more: ["Sommer"] },
    },
    { request: { id: "req_1", idempotency_key: "sommer-1" } },
  );
  const left = text(redact(body));
  expect(left).not.toMatch(/sommer|4242|2031|203\.0|1990|\+49/i);
  expect(JSON.parse(left)).toMatchObject({
    redacted: true,
    data: { object: { id: "ch_1", amount_refunded: 100, customer: { id: "cus_1" }, metadata: { product_id: "kurs" } } },
  });
});

test.each(["", "Jo Sommer", '["Jo"]', '"Jo"', "null", '{"email":', "\u0000"])(
  "a body that is no JSON object keeps nothing: %j",
  (body) => {
    expect(JSON.parse(text(redact(bytes(body))))).toEqual({ redacted: true });
  },
);

test("no bytes make redacting throw, however deep they nest", () => {
  const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  expect(JSON.parse(text(redact(bytes(deep))))).toMatchObject({ redacted: true });
  const bodies = fc.oneof(
    fc.uint8Array(),
    fc.jsonValue().map((value) => bytes(JSON.stringify({ data: value }))),
  );
  fc.assert(
    fc.property(bodies, (body) => {
      const once = redact(body);
      expect(JSON.parse(text(once))).toMatchObject({ redacted: true });
      expect(redact(once)).toEqual(once);
    }),
  );
});
