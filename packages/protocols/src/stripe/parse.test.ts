import * as fc from "fast-check";
import { expect, test } from "vitest";
import { created, event, invoice, line, periodEnd, reading, session, subscription } from "./fixtures/events.ts";
import { bytes, vectors } from "./fixtures/vectors.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { stripe } from "./stripe.ts";

test.each(vectors)("$name can be read, proven or not", ({ body }) => {
  expect(parse(bytes(body))).toMatchObject({ ok: true });
});

test("a live event is live, a test is a test, and silence is neither", () => {
  const modeOf = (livemode: unknown) => reading(event("invoice.paid", invoice([line("a", 1)]), { livemode })).mode;
  expect([true, false, null, "true"].map(modeOf)).toEqual(["live", "test", undefined, undefined]);
});

test("invoice_payment.paid ties invoice and payment together and says nothing else", () => {
  const tie = (payment: object) => reading(event("invoice_payment.paid", { id: "inpay_1", invoice: "in_1", payment }));
  expect(tie({ type: "payment_intent", payment_intent: "pi_1" })).toEqual({
    event: "invoice_payment.paid",
    mode: "live",
    aliases: ["in_1", "pi_1"],
    facts: [],
  });
  expect(tie({ type: "charge", charge: { id: "ch_1" } }).aliases).toEqual(["in_1", "ch_1"]);
});

test.each([
  "payment_intent.succeeded",
  "charge.succeeded",
  "customer.created",
  "something.new",
  "toString",
  "__proto__",
])("%s is read and says nothing", (type) => {
  expect(reading(event(type, { id: "x_1" }))).toEqual({ event: type, mode: "live", facts: [] });
});

test("a thin event is read and says nothing, whatever it is called", () => {
  const thin = { id: "evt_1", object: "v2.core.event", livemode: false, related_object: { id: "x", url: "/v2/x" } };
  for (const type of ["v1.billing.meter.error_report_triggered", "invoice.paid"])
    expect(parse(bytes(JSON.stringify({ ...thin, type })))).toEqual({
      ok: true,
      reading: { event: type, mode: "test", facts: [] },
    });
});

test.each([
  ["\u0000", "unreadable_json"],
  ["[]", "unreadable_shape"],
  ["{}", "unreadable_type"],
  ['{"type":"invoice.paid"}', "unreadable_object"],
  ['{"type":"invoice.paid","data":{"object":[]}}', "unreadable_object"],
])("%s waits for the operator: %s", (body, code) => {
  expect(parse(bytes(body))).toMatchObject({ ok: false, code, sentence: expect.any(String) });
});

test("bytes that are no text wait for the operator", () => {
  expect(parse(new Uint8Array([0xff, 0xfe]))).toMatchObject({ ok: false, code: "unreadable_encoding" });
});

/** Events with real field names and any values in them, however wrong. */
const names = [
  ...new Set(
    [session(), invoice([line("a", 1)]), line("a", 1), subscription()].flatMap((object) => Object.keys(object)),
  ),
];
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<unknown>("paid", "payment", "subscription", "canceled", "trialing", "prod_A", "eur", "jpy", "lost"),
    fc.constantFrom<unknown>(null, true, -1, 0, 2900, 1772442928, 9e15, 1.5, 1e300),
    fc.string(),
    fc.record({ data: fc.array(tie("any"), { maxLength: 3 }) }),
    fc.dictionary(fc.constantFrom(...names, "product", "start", "end", "status"), tie("any"), { maxKeys: 6 }),
  ),
})).any;
const back = { id: "x_1", amount: 100, amount_refunded: 100, currency: "eur", charge: "ch_1", created, status: "lost" };
const objects: [string, Record<string, unknown>][] = [
  ["checkout.session.completed", session()],
  ["checkout.session.async_payment_failed", session()],
  ["invoice.paid", invoice([line("a", -1), line("b", 0), line("c", 1)])],
  ["invoice.payment_failed", invoice([line("a", 1)])],
  ["customer.subscription.updated", subscription({ cancel_at: periodEnd }, ["a", "b"])],
  ["customer.subscription.deleted", subscription()],
  ["charge.refunded", { ...back, object: "charge" }],
  ["refund.created", back],
  ["refund.failed", back],
  ["charge.dispute.created", back],
  ["charge.dispute.closed", back],
  ["invoice_payment.paid", { invoice: "in_1", payment: {} }],
];
const anyEvent = fc
  .record({
    real: fc.constantFrom(...objects),
    changes: fc.dictionary(fc.constantFrom(...names, "amount", "amount_refunded", "refunds", "charge"), value, {
      maxKeys: 4,
    }),
    previous: fc.dictionary(fc.constantFrom(...names, "amount_refunded"), value, { maxKeys: 3 }),
    envelope: fc.record({ created: value, livemode: value }, { requiredKeys: [] }),
  })
  .map(({ real: [type, object], changes, previous, envelope }) =>
    event(type, { ...object, ...changes }, envelope, previous),
  );

test("no bytes and no event make parsing throw; what is read is positive, named and unique", () => {
  const reply = fc.record({ status: fc.constantFrom(200, 404, 500), body: value });
  fc.assert(
    fc.property(
      fc.oneof(
        anyEvent,
        fc.uint8Array(),
        fc.jsonValue().map((json) => bytes(JSON.stringify(json))),
      ),
      fc.array(reply, { maxLength: 1 }),
      (body, given) => {
        const replies = given.map(({ status, body }) => ({ status, body: bytes(JSON.stringify(body) ?? "") }));
        const parsed = parse(body, { replies });
        expect(parse(body, { replies })).toEqual(parsed);
        if (!parsed.ok) {
          expect(parsed.code).toMatch(/^unreadable_/);
          return;
        }
        const { facts } = parsed.reading;
        expect(new Set(facts.map((fact) => fact.identity)).size).toBe(facts.length);
        for (const fact of facts) {
          if ("amount" in fact && fact.amount) expect(fact.amount.minor).toBeGreaterThanOrEqual(0n);
          if (fact.kind === "payment") expect(fact.productId).not.toBe("");
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("an event says the same without the person, whatever of it is missing or otherwise", () => {
  const other = fc.constantFrom(null, true, false, 0, 2900, created, periodEnd);
  const fields = fc.dictionary(fc.constantFrom(...names, "amount_refunded", "payment_intent", "charge"), other);
  fc.assert(
    fc.property(fc.constantFrom(...objects), fields, fields, ([type, object], changes, previous) => {
      const body = event(type, { ...object, ...changes }, {}, previous);
      const [before, after] = [parse(body), parse(redact(body))];
      if (!before.ok || !after.ok) {
        expect(after).toEqual(before);
        return;
      }
      const { buyer, ...rest } = before.reading;
      expect(after.reading).toEqual({ ...rest, ...(buyer && { buyer: { ...after.reading.buyer, email: "" } }) });
    }),
    { numRuns: 500 },
  );
});

test("the answers are those Stripe understands", () => {
  expect([
    stripe.answer("stored").status,
    stripe.answer("refused").status,
    stripe.answer("unavailable").status,
  ]).toEqual([200, 401, 503]);
});
