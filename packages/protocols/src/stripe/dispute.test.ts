import { expect, test } from "vitest";
import { created, createdAt, day, eur, event, facts, reading } from "./fixtures/events.ts";

const dispute = (status: string, changes: Record<string, unknown> = {}) => ({
  id: "dp_1",
  object: "dispute",
  amount: 11900,
  charge: "ch_1",
  created: created - 60,
  currency: "eur",
  payment_intent: "pi_1",
  reason: "fraudulent",
  status,
  ...changes,
});

test("a dispute that opens is told with its payment's ids", () => {
  expect(reading(event("charge.dispute.created", dispute("needs_response")))).toEqual({
    event: "charge.dispute.created",
    mode: "live",
    aliases: ["ch_1", "pi_1"],
    facts: [
      {
        kind: "dispute_opened",
        transactionId: "dp_1",
        amount: eur(11900n),
        identity: "dispute_opened:dp_1",
        productId: "",
        happenedAt: createdAt - 60_000,
      },
    ],
  });
});

test.each([
  ["created", "needs_response", ["dispute_opened"]],
  ["created", "under_review", ["dispute_opened"]],
  ["created", "warning_needs_response", []],
  ["created", "prevented", []],
  ["created", "something_new", []],
  ["updated", "under_review", ["dispute_opened"]],
  ["updated", "warning_under_review", []],
  ["updated", "appeal_under_review", []],
  ["funds_withdrawn", "needs_response", ["dispute_opened"]],
  ["funds_reinstated", "won", []],
  ["closed", "won", ["dispute_won"]],
  ["closed", "lost", ["dispute_lost"]],
  ["closed", "warning_closed", []],
  ["closed", "prevented", []],
])("charge.dispute.%s with the status %s says %j", (type, status, kinds) => {
  const said = reading(event(`charge.dispute.${type}`, dispute(status)));
  expect(said.facts.map((fact) => fact.kind)).toEqual(kinds);
  expect(said.aliases === undefined).toBe(kinds.length === 0);
});

test("whatever message tells of an open dispute, it opened once and then", () => {
  const messages = ["created", "updated", "funds_withdrawn"].map((type, n) =>
    facts(`charge.dispute.${type}`, dispute("needs_response"), { created: created + n * day }),
  );
  expect(messages[1]).toEqual(messages[0]);
  expect(messages[2]).toEqual(messages[0]);
});

test("a verdict that changes on appeal is a fact each time, the later one later", () => {
  const closed = (status: string, at: number) => facts("charge.dispute.closed", dispute(status), { created: at })[0]!;
  const [lost, won] = [closed("lost", created), closed("won", created + 40 * day)];
  expect(lost.identity).not.toBe(closed("lost", created + 80 * day).identity);
  expect(won.happenedAt!).toBeGreaterThan(lost.happenedAt!);
});

test("a lost dispute without an amount waits; an open one does not", () => {
  expect(() => facts("charge.dispute.closed", dispute("lost", { amount: null }))).toThrow();
  expect(facts("charge.dispute.created", dispute("needs_response", { amount: null }))).toHaveLength(1);
  expect(() => facts("charge.dispute.created", dispute("needs_response", { id: null }))).toThrow();
});
