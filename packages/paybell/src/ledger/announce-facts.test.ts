import { paymentEvents } from "@paybell/protocols/domain/payment";
import { describe, expect, test } from "vitest";
import { day, euro, fact, monthly, thirds } from "../testing/facts.ts";
import { announcementOf, orderCreated, type Said } from "./announce-facts.ts";
import type { Held } from "./held-rows.ts";
import type { LedgerFact } from "./ledger-fact.ts";

const held: Held = {
  accountId: "account",
  account: { name: "Shop", settings: {} },
  id: "item",
  mode: "live",
  protocol: "copecart",
  productKey: "p",
  productName: "Video course",
  product: null,
  order: { row: "row", id: "A1B2C3D4", contactEmail: "kim@example.com", buyer: { firstName: "First" } },
  customer: { id: "customer", erased: false },
  state: null,
  waiting: null,
  effects: [],
  quietBefore: null,
  walkedTo: null,
  licenceId: null,
};
const erased: Held = { ...held, customer: { id: "customer", erased: true } };
const said: Said = { event: "payment.made", buyer: { email: "typed@example.com", firstName: "Kim", reference: "r" } };
const tell = (one: LedgerFact, of = held, with_: Said | undefined = said) =>
  announcementOf(of, one, with_, () => ({ kind: "subscription", interval: { unit: "week", count: 2 } }));
const on = "2026-03-01T10:00:00";

const kinds: [LedgerFact, string, object][] = [
  [
    fact({ kind: "payment", on, transactionId: "t", rate: 2, next: day("2026-04-01"), plan: monthly }),
    "payment.made",
    { transaction_id: "t", amount: { minor: 2900, currency: "EUR" }, rate: 2, next_payment_at: "2026-04-01" },
  ],
  [fact({ kind: "payment_pending", on, transactionId: "t" }), "payment.pending", { amount: null, rate: null }],
  [fact({ kind: "payment_failed", on, transactionId: "t", rate: 3 }), "payment.failed", { amount: null, rate: 3 }],
  [
    fact({ kind: "refund", on, transactionId: "r", refunds: "t", amount: euro(9.9) }),
    "payment.refunded",
    { transaction_id: "r", parent_transaction_id: "t", amount: { minor: 990, currency: "EUR" } },
  ],
  [
    fact({ kind: "refund_reversed", on, transactionId: "v", reverses: "r" }),
    "payment.refund_reversed",
    { transaction_id: "v", parent_transaction_id: "r", amount: null },
  ],
  [
    fact({ kind: "refund_reversed", on, transactionId: "r", reverses: "r" }),
    "payment.refund_reversed",
    { transaction_id: "r", parent_transaction_id: null },
  ],
  [
    fact({ kind: "dispute_opened", on, transactionId: "d", amount: euro(29) }),
    "payment.disputed",
    { transaction_id: "d", amount: { minor: 2900, currency: "EUR" } },
  ],
  [fact({ kind: "dispute_won", on, transactionId: "d" }), "payment.dispute_won", { amount: null }],
  [fact({ kind: "dispute_lost", on, transactionId: "d" }), "payment.dispute_lost", { amount: null }],
  [
    fact({ kind: "trial", on, to: { at: Date.UTC(2026, 2, 15, 9) } }),
    "order.trial_started",
    { ends_at: "2026-03-15T09:00:00.000Z", transaction_id: null, next_payment_at: null },
  ],
  [
    fact({ kind: "cancelled", on, for: day("2026-04-01"), chosenByVendor: false }),
    "order.cancelled",
    { ends_at: "2026-04-01" },
  ],
  [fact({ kind: "cancelled", on, chosenByVendor: false }), "order.cancelled", { ends_at: null }],
  [fact({ kind: "resumed", on }), "order.resumed", { amount: null }],
];

describe("a fact", () => {
  test.each(kinds)("%o is announced as %s", (one, type, data) => {
    const announced = tell(one);
    expect(announced).toMatchObject({ type, mode: "live", orderKey: "A1B2C3D4", at: one.happenedAt, data });
    expect(announced!.data).toMatchObject({ customer_id: "customer", item_id: "item", provider: "copecart" });
  });

  test("of every kind but a changed contact has its event", () => {
    expect(new Set(kinds.map(([, type]) => type))).toEqual(new Set(paymentEvents));
    expect(tell(fact({ kind: "contact_changed", on, email: "new@example.com" }))).toBeUndefined();
  });

  test("says of the plan what its own message says, else what is known of the item", () => {
    const plan = (one: LedgerFact) => tell(one)!.data["plan"];
    expect(plan(fact({ kind: "payment", on, plan: thirds }))).toEqual({
      kind: "instalments",
      interval: { unit: "month", count: 1 },
      total: 3,
    });
    expect(plan(fact({ kind: "payment", on, plan: { kind: "once" } }))).toEqual({ kind: "once" });
    expect(plan(fact({ kind: "payment", on, plan: { kind: "subscription" } }))).toEqual({
      kind: "subscription",
      interval: null,
    });
    expect(plan(fact({ kind: "resumed", on }))).toEqual({
      kind: "subscription",
      interval: { unit: "week", count: 2 },
    });
  });

  test("names the buyer at the address where mail of the order goes", () => {
    const payment = fact({ kind: "payment", on, transactionId: "t" });
    expect(tell(payment)!.data["buyer"]).toMatchObject({ email: "kim@example.com", first_name: "Kim" });
    expect(tell(payment)!.data["reference"]).toBe("r");
    const unread = announcementOf(held, payment, undefined, () => ({ kind: "once" }))!.data;
    expect(unread).toMatchObject({ buyer: { first_name: "First" }, reference: null, provider_event: null });
  });

  test("of an erased customer names nobody", () => {
    const payment = tell(fact({ kind: "payment", on, transactionId: "t" }), erased)!.data;
    expect(payment).toMatchObject({ buyer: { email: "" }, reference: null, customer_id: "customer" });
    expect(orderCreated(erased, 0).data).toMatchObject({ buyer: { email: "" }, reference: null });
  });

  test("with the largest exact amount tells it, and with one cent more tells none", () => {
    const amount = (minor: bigint) =>
      tell(fact({ kind: "payment", on, transactionId: "t", amount: { ...euro(1), minor } }))!.data["amount"];
    expect(amount(9_007_199_254_740_991n)).toEqual({ minor: Number.MAX_SAFE_INTEGER, currency: "EUR" });
    expect(amount(9_007_199_254_740_992n)).toBeNull();
  });
});
