import { expect, test } from "vitest";
import { created, createdAt, day, eur, event, facts, reading, reply } from "./fixtures/events.ts";

type Changes = Record<string, unknown>;

const refund = (changes: Changes = {}) => ({
  id: "re_1",
  object: "refund",
  amount: 1900,
  charge: "ch_1",
  created: created - 1,
  currency: "eur",
  payment_intent: "pi_1",
  status: "succeeded",
  ...changes,
});

const charge = (amount_refunded: number, changes: Changes = {}) => ({
  id: "ch_1",
  object: "charge",
  amount: 11900,
  amount_refunded,
  currency: "eur",
  payment_intent: "pi_1",
  refunded: amount_refunded === 11900,
  ...changes,
});

const refunded = (all: number, before: number, changes: Changes = {}, envelope: Changes = {}) =>
  facts("charge.refunded", charge(all, changes), envelope, { amount_refunded: before });

test("a refund is told with its payment's ids, without an order or a person", () => {
  expect(reading(event("refund.created", refund()))).toEqual({
    event: "refund.created",
    mode: "live",
    aliases: ["ch_1", "pi_1"],
    facts: [
      {
        kind: "refund",
        transactionId: "ch_1-1900-2026-03-02",
        amount: eur(1900n),
        identity: "refund:ch_1-1900-2026-03-02",
        productId: "",
        happenedAt: createdAt - 1000,
      },
    ],
  });
});

test("one refund is one fact, whichever of its messages come", () => {
  const identities = [
    facts("refund.created", refund({ status: "pending" })),
    facts("refund.updated", refund(), { created: created + 2 * day }),
    facts("charge.refund.updated", refund(), { created: created + 2 * day }),
    refunded(1900, 0),
    refunded(5900, 4000),
  ].map(([fact]) => fact?.identity);
  expect(new Set(identities)).toEqual(new Set(["refund:ch_1-1900-2026-03-02"]));
});

test("charge.refunded tells this refund, not all there ever were", () => {
  expect(refunded(5900, 4000)).toMatchObject([{ kind: "refund", amount: eur(1900n) }]);
  expect(facts("charge.refunded", charge(11900))).toMatchObject([{ amount: eur(11900n) }]);
  expect(refunded(1900, 1900)).toEqual([]);
});

test("refunds of other amounts, charges or days are others", () => {
  const one = facts("refund.created", refund())[0]?.identity;
  for (const changes of [{ amount: 1901 }, { charge: "ch_2" }, { created: created - day }])
    expect(facts("refund.created", refund(changes))[0]?.identity).not.toBe(one);
});

test("a version that lists a charge's refunds tells even equal ones apart", () => {
  const refunds = { data: [refund({ id: "re_2", created }), refund(), refund({ status: "failed", id: "re_3" })] };
  const said = refunded(3800, 1900, { refunds, invoice: null });
  expect(said.map((fact) => fact.identity)).toEqual(["refund:ch_1-1900-2026-03-02", "refund:ch_1-1900-2026-03-02-2"]);
  expect(said[0]?.identity).toBe(facts("refund.created", refund())[0]?.identity);
});

test.each([
  ["refund.failed", "failed"],
  ["refund.updated", "failed"],
  ["refund.updated", "canceled"],
  ["charge.refund.updated", "failed"],
])("%s with the status %s takes the refund back", (type, status) => {
  const [given] = refunded(1900, 0);
  expect(facts(type, refund({ status }), { created: created + 5 * day })).toMatchObject([
    {
      kind: "refund_reversed",
      reverses: given && "transactionId" in given && given.transactionId,
      happenedAt: createdAt + 5 * day * 1000,
    },
  ]);
});

test("a refund that waits for the buyer has moved nothing", () => {
  expect(reading(event("refund.created", refund({ status: "requires_action" })))).toMatchObject({ facts: [] });
  expect(reading(event("refund.created", refund({ status: "requires_action" }))).aliases).toBeUndefined();
});

test("the payment is named where the charge of before basil names its invoice", () => {
  expect(refunded(1900, 0, { invoice: "in_1" })).toMatchObject([{ refunds: "in_1" }]);
  expect(refunded(1900, 0, { invoice: { id: "in_1" } })).toMatchObject([{ refunds: "in_1" }]);
  expect(refunded(1900, 0, { invoice: null })).toMatchObject([{ refunds: "pi_1" }]);
});

test("the payment is named where Stripe told of the invoice, or that there is none", () => {
  const asked = (data: unknown[]) => reading(event("refund.created", refund()), [reply(200, { data })]);
  const ofInvoice = asked([{ object: "invoice_payment", invoice: "in_1", payment: { payment_intent: "pi_1" } }]);
  expect(ofInvoice).toMatchObject({ aliases: ["ch_1", "pi_1", "in_1"], facts: [{ refunds: "in_1" }] });
  expect(asked([]).facts).toMatchObject([{ refunds: "pi_1" }]);
});

test("without that knowledge no payment is named, since a wrong name would match none", () => {
  for (const replies of [undefined, [reply(404, {})]])
    expect(reading(event("refund.created", refund()), replies).facts[0]).not.toHaveProperty("refunds");
});

test("an old refund without a payment intent is known by its charge", () => {
  expect(reading(event("refund.created", refund({ payment_intent: null })))).toMatchObject({ aliases: ["ch_1"] });
});

test("a refund may come expanded", () => {
  const expanded = refund({ charge: charge(1900, { invoice: "in_1" }), payment_intent: { id: "pi_1" } });
  expect(reading(event("refund.created", expanded))).toMatchObject({
    aliases: ["ch_1", "pi_1", "in_1"],
    facts: [{ identity: "refund:ch_1-1900-2026-03-02", refunds: "in_1" }],
  });
});

test.each([
  ["refund.created", refund({ amount: null })],
  ["refund.created", refund({ currency: "zzz" })],
  ["refund.created", refund({ charge: null, payment_intent: null })],
  ["refund.failed", refund({ charge: null, payment_intent: null })],
  ["charge.refunded", charge(1, { amount_refunded: null })],
  ["charge.refunded", charge(1900, { refunds: { data: [refund({ amount: null })] } })],
])("%s that cannot be read waits: %j", (type, object) => {
  expect(() => facts(type, object)).toThrow();
});
