import * as fc from "fast-check";
import { expect, test } from "vitest";
import { course, event, flat, givenBack, ids, type Payload, sold } from "./fixtures/messages.ts";
import { bytes } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";

const text = (data: Uint8Array) => new TextDecoder().decode(data);

const personal = {
  ...sold,
  client_reference_id: "mara-7",
  first_click_ref: "mara",
  order_overview_url: "https://cope.example.com/o/mara",
  order: { uuid: ids.order, client_reference_id: "mara-7", note: "für Mara" },
  payment: { uuid: ids.payment, payer_name: "Mara Lindner", card_holder: "MARA" },
  line_items: [{ ...course, gift_for: "Mara", name: "Videokurs", product: { uuid: ids.course, name: "Videokurs" } }],
};
const refunded = { ...givenBack, ...personal, refund: givenBack["refund"] };
const dispute = { dispute_uuid: ids.dispute, original_payment_uuid: ids.payment, amount_cents: 1, currency: "EUR" };

const messages: [string, Uint8Array<ArrayBuffer>][] = [
  ["an order", event("cart.order.completed", personal, { subject: `order:${ids.order}` })],
  ["a flat order", flat("cart.order.completed", personal)],
  ["a refund", event("payment.refund.created", refunded, { subject: `refund:${ids.refund}` })],
  ["a flat refund", flat("payment.refund.created", refunded)],
  ["a dispute", event("payment.dispute.lost", { dispute: { ...dispute, evidence: { name: "Mara" } } })],
  ["a reversal", event("payment.refund.reversed", { amount_cents: 1 }, { subject: `refund:${ids.refund}` })],
  ["a cancellation", flat("subscription.cancelled", { subscription_id: "sub-1", reason: "Mara moved" })],
  ["a test", bytes('{"message":"Hi Mara, this is a test webhook"}')],
];

test.each(messages)("%s says the same without the person", (_, body) => {
  const [before, after] = [parse(body), parse(redact(body))];
  if (!before.ok || !after.ok) throw new Error("the message cannot be read");
  const { buyer, ...rest } = before.reading;
  expect(after.reading).toEqual({ ...rest, ...(buyer && { buyer: { email: "" } }) });
});

test.each(messages)("%s keeps nothing of the buyer", (_, body) => {
  expect(text(redact(body))).not.toMatch(/mara|lindner|lindenweg|1234567|0000000000ff/i);
});

test.each(messages)("%s redacted twice is redacted once", (_, body) => {
  const once = redact(body);
  expect(redact(once)).toEqual(once);
});

test("amounts, times and ids stay as they were", () => {
  const left: { data: Payload } = JSON.parse(text(redact(event("payment.refund.created", refunded))));
  expect(left).toMatchObject({ id: "evt_1", specversion: "1.0", time: "2026-03-02T09:15:31.250Z", redacted: true });
  expect(left.data).toMatchObject({
    occurred_at: "2026-03-02T09:15:30Z",
    refund: { uuid: ids.refund, amount_cents: 32400 },
    line_items: [{ amounts: { gross_cents: 29700, net_cents: 1, vat_cents: 2 } }],
    buyer: null,
  });
});

test.each(["", "Mara Lindner", '["mara"]', '"mara"', "null", '{"data":', "\u0000"])(
  "a body that is no JSON object keeps nothing: %j",
  (body) => {
    expect(JSON.parse(text(redact(bytes(body))))).toEqual({ redacted: true });
  },
);

test("a name that means something to JavaScript is a field like any other", () => {
  const body = '{"__proto__":{"email":"mara@example.de"},"constructor":"mara","id":"A1"}';
  expect(text(redact(bytes(body)))).toBe('{"__proto__":null,"constructor":null,"id":"A1","redacted":true}');
});

test("deep nesting is cut off, not followed", () => {
  const deep = `${'{"order":'.repeat(50_000)}1${"}".repeat(50_000)}`;
  const lists = `${'{"line_items":['.repeat(50_000)}${"]}".repeat(50_000)}`;
  for (const body of [deep, lists]) expect(JSON.parse(text(redact(bytes(body))))).toMatchObject({ redacted: true });
});

test("no bytes make redacting throw", () => {
  const objects = fc.jsonValue().map((value) => bytes(JSON.stringify(value)));
  const raw = fc.uint8Array().map((data) => new Uint8Array(data));
  fc.assert(
    fc.property(fc.oneof(raw, objects), (body) => {
      expect(JSON.parse(text(redact(body)))).toMatchObject({ redacted: true });
    }),
  );
});

test("whatever stands in a message that can be read, it tells the same facts without the person", () => {
  const changes = fc.dictionary(
    fc.constantFrom(...Object.keys(givenBack), "subject", "dispute", "amount_cents", "title", "subscription"),
    fc.jsonValue(),
  );
  const types = fc.constantFrom("cart.order.completed", "payment.refund.created", "payment.dispute.opened", "other");
  fc.assert(
    fc.property(types, changes, changes, (type, ofData, ofLine) => {
      const line_items = [{ ...course, ...ofLine }];
      const body = event(type, { ...givenBack, line_items, dispute, ...ofData });
      const [before, after] = [parse(body), parse(redact(body))];
      const said = (parsed: typeof before) => (parsed.ok ? { ...parsed.reading, buyer: undefined } : parsed);
      if (before.ok) expect(said(after)).toEqual(said(before));
    }),
    { numRuns: 500 },
  );
});
