import { expect, test } from "vitest";
import { created, createdAt, day, event, facts, item, periodEnd, reading, subscription } from "./fixtures/events.ts";

const updated = "customer.subscription.updated";
const deleted = "customer.subscription.deleted";
const wished = created - 10;
const end = periodEnd * 1000;
const iso = (at: number) => new Date(at).toISOString().replaceAll(":", "%3A");
const atPeriodEnd = { cancel_at_period_end: true, cancel_at: periodEnd, canceled_at: wished };

test("a planned end is a cancellation for that instant, of each product", () => {
  const said = reading(event(updated, subscription(atPeriodEnd, ["prod_A", "prod_B"])));
  expect(said.orderId).toBe("sub_1");
  expect(said.buyer).toBeUndefined();
  expect(said.facts).toHaveLength(2);
  expect(said.facts[0]).toEqual({
    kind: "cancelled",
    for: { at: end },
    chosenByVendor: false,
    identity: `cancelled:sub_1:prod_A:${iso(end)}:${iso(wished * 1000)}`,
    productId: "prod_A",
    plan: { kind: "subscription", interval: { unit: "month", count: 1 } },
    happenedAt: wished * 1000,
  });
});

test("before basil the period's end stands in the subscription itself", () => {
  const { current_period_end: _, ...rest } = item("prod_A");
  const old = {
    cancel_at_period_end: true,
    canceled_at: wished,
    current_period_end: periodEnd,
    items: { data: [rest] },
  };
  expect(facts(updated, subscription(old))).toMatchObject([{ kind: "cancelled", for: { at: end } }]);
});

test("every further message repeats the cancellation under the same identity, its end included", () => {
  const [planned] = facts(updated, subscription(atPeriodEnd));
  const [again] = facts(updated, subscription(atPeriodEnd), { created: created + day });
  const ended = { ...atPeriodEnd, status: "canceled", ended_at: periodEnd };
  const [over] = facts(deleted, subscription(ended), { created: periodEnd + 2 });
  expect([again?.identity, over?.identity]).toEqual([planned?.identity, planned?.identity]);
});

test("an end that was taken back and wished again is a cancellation of its own, and the other is lifted in between", () => {
  const [first] = facts(updated, subscription(atPeriodEnd));
  const back = facts(updated, subscription(), { created: created + 60 }, atPeriodEnd);
  const [second] = facts(updated, subscription({ ...atPeriodEnd, canceled_at: created + 90 }));
  expect(back).toMatchObject([{ kind: "resumed", productId: "prod_A", happenedAt: createdAt + 60_000 }]);
  expect(second?.identity).not.toBe(first?.identity);
  expect(first!.happenedAt!).toBeLessThan(back[0]!.happenedAt!);
  expect(back[0]!.happenedAt!).toBeLessThan(second!.happenedAt!);
});

test("an end beyond this period is no cancellation yet, and none once the last period runs", () => {
  const later = { cancel_at: periodEnd + 60 * day, canceled_at: wished };
  expect(facts(updated, subscription(later))).toEqual([]);
  expect(facts(updated, subscription({ cancel_at: periodEnd, canceled_at: wished }))).toMatchObject([
    { kind: "cancelled" },
  ]);
});

test("an end put off beyond this period is resumed", () => {
  const later = { cancel_at: periodEnd + 60 * day, canceled_at: wished };
  expect(facts(updated, subscription(later), {}, { cancel_at: periodEnd })).toMatchObject([{ kind: "resumed" }]);
});

test("a change of something else resumes nothing", () => {
  expect(facts(updated, subscription(), {}, { default_payment_method: null })).toEqual([]);
  expect(facts(updated, subscription(), {}, { cancel_at_period_end: false })).toEqual([]);
});

test.each(["past_due", "unpaid"])("while a payment is missing (%s) no date stands in for it", (status) => {
  const [fact] = facts(updated, subscription({ ...atPeriodEnd, status }));
  expect(fact).toMatchObject({ kind: "cancelled" });
  expect(fact).not.toHaveProperty("for");
});

test("a subscription that ended at once is cancelled for that instant, and not by the vendor's word", () => {
  const at = created - 5;
  expect(facts(deleted, subscription({ status: "canceled", ended_at: at, canceled_at: at }))).toMatchObject([
    { kind: "cancelled", for: { at: at * 1000 }, chosenByVendor: false, happenedAt: at * 1000 },
  ]);
});

test("given up after payments did not come, it ends with what was paid", () => {
  const [fact] = facts(
    deleted,
    subscription({
      status: "canceled",
      ended_at: created,
      canceled_at: created,
      cancellation_details: { reason: "payment_failed" },
    }),
  );
  expect(fact).toMatchObject({ kind: "cancelled" });
  expect(fact).not.toHaveProperty("for");
});

test("a trial lasts to its end, whichever message tells it", () => {
  const trialing = subscription({ status: "trialing", trial_start: created - day, trial_end: periodEnd });
  for (const type of ["customer.subscription.created", updated, "customer.subscription.trial_will_end"])
    expect(facts(type, trialing)).toMatchObject([
      {
        kind: "trial",
        to: { at: end },
        happenedAt: createdAt - day * 1000,
        identity: `trial:sub_1:prod_A:${iso(end)}`,
      },
    ]);
});

test("a trial of the past is none", () => {
  expect(facts(updated, subscription({ trial_start: created - 2 * day, trial_end: created - day }))).toEqual([]);
});

test("a trial that is cancelled is both", () => {
  const trialing = { status: "trialing", trial_start: created, trial_end: periodEnd, ...atPeriodEnd };
  expect(facts(updated, subscription(trialing)).map((fact) => fact.kind)).toEqual(["trial", "cancelled"]);
});

test("a product that was changed for another is cancelled then", () => {
  const previous = { items: { object: "list", data: [item("prod_A")] } };
  expect(facts(updated, subscription({}, ["prod_B"]), {}, previous)).toMatchObject([
    { kind: "cancelled", productId: "prod_A", for: { at: createdAt }, chosenByVendor: false },
  ]);
});

test("a renewal that moves the period removes no product", () => {
  const previous = { items: { data: [{ current_period_end: created }] }, latest_invoice: "in_0" };
  expect(facts(updated, subscription(), {}, previous)).toEqual([]);
});

test("a subscription whose products cannot be read speaks of the whole order", () => {
  expect(facts(updated, subscription(atPeriodEnd, []))).toMatchObject([{ kind: "cancelled", productId: "" }]);
});

test("a product may be expanded, or stand in the old plan", () => {
  const items = {
    data: [{ price: { product: { id: "prod_A", name: "Club" } } }, { plan: { product: "prod_B", interval: "year" } }],
  };
  expect(facts(updated, subscription({ ...atPeriodEnd, items }))).toMatchObject([
    { productId: "prod_A", productName: "Club" },
    { productId: "prod_B", plan: { interval: { unit: "year", count: 1 } } },
  ]);
});

test.each(["active", "past_due", "unpaid", "paused", "incomplete", "incomplete_expired", "something new"])(
  "the status %s alone says nothing",
  (status) => {
    expect(facts(updated, subscription({ status }))).toEqual([]);
  },
);
