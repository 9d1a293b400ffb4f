import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accessAt } from "../access/access.ts";
import type { RuleSettings } from "../domain/settings.ts";
import { day, euro, fact, monthly, settings, thirds } from "../testing/facts.ts";
import { berlin } from "../testing/shop.ts";
import { balanceOf } from "./balance.ts";
import { fold } from "./fold.ts";
import type { LedgerFact } from "./ledger-fact.ts";

const stateOf = (facts: readonly LedgerFact[], rules: RuleSettings = {}) => fold(facts, facts, { ...settings, rules });
const openAt = (facts: readonly LedgerFact[], at: string, rules: RuleSettings = {}) =>
  accessAt(stateOf(facts, rules), berlin(at));
const paid = (rate: number, on: string, more: object = {}) =>
  fact({ kind: "payment", on, transactionId: `t${rate}`, rate, plan: monthly, ...more });
const rate = (n: number, on: string, more: object = {}) =>
  fact({ kind: "payment", on, transactionId: `r${n}`, rate: n, plan: thirds, amount: euro(199), ...more });
const refund = (on: string, more: object = {}) =>
  fact({ kind: "refund", on, transactionId: `back-${on}`, amount: euro(29), ...more });

describe("one-time sales (R5)", () => {
  const sale = fact({ kind: "payment", on: "2026-02-01T10:00:00", transactionId: "t", plan: { kind: "once" } });
  test("are open from payment, without end", () =>
    expect(openAt([sale], "2090-01-01")).toMatchObject({ open: true, word: "active", until: null }));
  test("end after the product's duration, to the second", () => {
    expect(openAt([sale], "2026-05-02T09:59:59", { duration: "P90D" }).open).toBe(true);
    expect(openAt([sale], "2026-05-02T10:00:00", { duration: "P90D" })).toMatchObject({ open: false, word: "ended" });
  });
  test("are closed while pending, unless the seller chose otherwise", () => {
    const pending = fact({
      kind: "payment_pending",
      on: "2026-02-01T10:00:00",
      transactionId: "t",
      plan: { kind: "once" },
    });
    expect(openAt([pending], "2026-02-02")).toMatchObject({ open: false, word: "pending" });
    expect(openAt([pending], "2026-02-02", { access_on_pending: true })).toMatchObject({ open: true, word: "pending" });
    const failed = fact({ kind: "payment_failed", on: "2026-02-03T10:00:00", transactionId: "t" });
    expect(openAt([pending, failed], "2026-02-04", { access_on_pending: true })).toMatchObject({
      open: false,
      word: "failed",
    });
  });
});

describe("subscriptions (R6, R7)", () => {
  test("months keep their anchor day", () => {
    const through = (count: number) =>
      stateOf(
        Array.from({ length: count }, (_, n) =>
          paid(n + 1, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"][n]!),
        ),
      ).paidThrough;
    expect([1, 2, 3, 4].map(through)).toEqual(
      ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"].map((one) => ({ day: one })),
    );
  });
  test("the provider's due date wins over our arithmetic", () =>
    expect(stateOf([paid(1, "2026-01-15", { next: day("2026-02-20") }), paid(2, "2026-02-20")]).paidThrough).toEqual({
      day: "2026-03-20",
    }));
  test("continue seven days after the due date, to the end of that day", () => {
    const facts = [paid(1, "2026-01-15")];
    expect(openAt(facts, "2026-02-15T23:59:59")).toMatchObject({ open: true, word: "active" });
    expect(openAt(facts, "2026-02-22T23:59:59")).toMatchObject({ open: true, word: "overdue" });
    expect(openAt(facts, "2026-02-23T00:00:00")).toMatchObject({ open: false, word: "paused" });
  });
  test("the days of grace are a setting", () =>
    expect(openAt([paid(1, "2026-01-15")], "2026-02-16T00:00:00", { grace_days: 0 }).open).toBe(false));
  test("failure notices neither shorten nor lengthen", () => {
    const failed = ["2026-02-15", "2026-02-20", "2026-02-22"].map((on, n) =>
      fact({ kind: "payment_failed", on, transactionId: `f${n}`, rate: 2 }),
    );
    expect(stateOf([paid(1, "2026-01-15"), ...failed]).spans).toEqual(stateOf([paid(1, "2026-01-15")]).spans);
  });
  test("an old failure after the payment for the same rate is no news", () =>
    expect(
      stateOf([
        paid(1, "2026-01-15"),
        fact({ kind: "payment_failed", on: "2026-02-15", transactionId: "f", rate: 2 }),
        paid(2, "2026-02-17"),
      ]).missed,
    ).toEqual([]));
  test("a lost notification in between costs nobody anything", () =>
    expect(stateOf([paid(1, "2026-01-15"), paid(3, "2026-03-15")]).paidThrough).toEqual({ day: "2026-04-15" }));
  test("a plan that rested for months goes on from the payment", () =>
    expect(openAt([paid(1, "2026-01-15"), paid(2, "2026-07-20")], "2026-08-10").open).toBe(true));
  test("the interval is read from due dates where nobody names it", () => {
    const plan = { kind: "subscription" as const };
    expect(
      stateOf([paid(1, "2026-01-15", { plan, next: day("2026-04-15") }), paid(2, "2026-04-15", { plan })]).paidThrough,
    ).toEqual({ day: "2026-07-15" });
  });
  test("a time slightly in the future locks nobody out (R9)", () =>
    expect(
      openAt([paid(1, "2026-01-15T10:05:00", { arrivedAt: berlin("2026-01-15T10:00:00") })], "2026-01-15T10:00:00")
        .open,
    ).toBe(true));
});

describe("cancellations (R8)", () => {
  const cancel = (text: string | null, more: object = {}) =>
    fact({ kind: "cancelled", on: "2026-02-01", chosenByVendor: false, ...(text && { for: day(text) }), ...more });
  const member = [paid(1, "2026-01-15")];
  test("access runs through what was paid, without grace", () => {
    expect(openAt([...member, cancel("2026-02-01")], "2026-02-15T23:59:59")).toMatchObject({
      open: true,
      word: "cancelled",
      until: berlin("2026-02-16T00:00:00"),
    });
    expect(openAt([...member, cancel("2026-02-01")], "2026-02-16T00:00:00")).toMatchObject({
      open: false,
      word: "ended",
    });
  });
  test("or through its own date, where that is later", () =>
    expect(openAt([...member, cancel("2026-03-31")], "2026-03-31T23:59:59").open).toBe(true));
  test("an earlier day counts where the vendor chose it", () => {
    const facts = [...member, cancel("2026-02-05", { chosenByVendor: true })];
    expect(openAt(facts, "2026-02-05T23:59:59").open).toBe(true);
    expect(openAt(facts, "2026-02-06T00:00:00").open).toBe(false);
  });
  test("no date is never today", () =>
    expect(openAt([...member, cancel(null)], "2026-02-15T23:59:59").open).toBe(true));
  test("money that arrives before its date extends access and lifts nothing", () => {
    const state = stateOf([...member, cancel("2026-02-28"), paid(2, "2026-02-15")]);
    expect(state.cancelled).not.toBeNull();
    expect(accessAt(state, berlin("2026-03-15T23:59:59")).open).toBe(true);
    expect(accessAt(state, berlin("2026-03-16T00:00:00")).open).toBe(false);
  });
  test("a payment made after its date lifts it, and the operator is told", () => {
    const state = stateOf([...member, cancel("2026-02-15"), paid(2, "2026-03-01", { next: day("2026-04-01") })]);
    expect(state.cancelled).toBeNull();
    expect(accessAt(state, berlin("2026-04-08T23:59:59"))).toMatchObject({ open: true, word: "overdue" });
    expect(state.remarks.map((remark) => remark.kind)).toEqual(["payment_after_cancellation"]);
  });
  test("the provider's word lifts it", () =>
    expect(
      stateOf([...member, cancel("2026-02-15"), fact({ kind: "resumed", on: "2026-02-03" })]).cancelled,
    ).toBeNull());
});

describe("refunds (R10)", () => {
  const sale = fact({ kind: "payment", on: "2026-01-15", transactionId: "t", amount: euro(97) });
  const part = (n: number, amount: number) => refund(`2026-01-2${n}`, { amount: euro(amount) });
  test("part refunds change the balance, not access, until they add up", () => {
    expect(openAt([sale, part(0, 47)], "2026-02-01").open).toBe(true);
    expect(balanceOf([sale, part(0, 47)])).toEqual(euro(50));
    expect(openAt([sale, part(0, 47), part(1, 50)], "2026-02-01")).toMatchObject({ open: false, word: "refunded" });
  });
  test("a refund that is taken back counts as never given", () => {
    const facts = [
      sale,
      refund("2026-01-20", { amount: euro(97) }),
      fact({ kind: "refund_reversed", on: "2026-01-25", transactionId: "x", reverses: "back-2026-01-20" }),
    ];
    expect(openAt(facts, "2026-02-01").open).toBe(true);
    expect(balanceOf(facts)).toEqual(euro(97));
  });
  test("without a rate number the newest payment before it is meant, not one that came after", () => {
    const facts = [paid(1, "2026-01-15"), paid(2, "2026-02-15"), refund("2026-02-20"), paid(3, "2026-03-15")];
    expect(stateOf(facts).positions).toEqual([1, 3]);
  });
  test("the days of grace do not stand in for a period that was given back", () => {
    const facts = [paid(1, "2026-01-15"), paid(2, "2026-02-15"), refund("2026-02-17", { rate: 2 })];
    expect(openAt(facts, "2026-02-17T12:00:00")).toMatchObject({ open: false, word: "refunded" });
  });
  test("nor does a cancellation date", () => {
    const cancel = fact({ kind: "cancelled", on: "2026-02-16", chosenByVendor: false, for: day("2026-03-15") });
    expect(
      openAt([paid(1, "2026-01-15"), paid(2, "2026-02-15"), cancel, refund("2026-02-17", { rate: 2 })], "2026-02-18")
        .open,
    ).toBe(false);
  });
  test("a rate charged again after it was given back counts as that rate", () => {
    const again = fact({ kind: "payment", on: "2026-02-20", transactionId: "again", rate: 2, plan: monthly });
    expect(
      stateOf([paid(1, "2026-01-15"), paid(2, "2026-02-15"), refund("2026-02-17", { rate: 2 }), again]).paidThrough,
    ).toEqual({ day: "2026-03-15" });
  });
});

describe("chargebacks (R11)", () => {
  const sale = fact({ kind: "payment", on: "2026-01-15", transactionId: "t", amount: euro(97) });
  const word = (kind: "dispute_opened" | "dispute_won" | "dispute_lost", on: string, transactionId = "cb") =>
    fact({ kind, on, transactionId, amount: euro(97) });
  test("suspend the other items of the order too", () => {
    const other = fact({ kind: "payment", on: "2026-01-15", transactionId: "t", productId: "q", identity: "other" });
    const all = [sale, other, word("dispute_opened", "2026-02-01")];
    expect(accessAt(fold([other], all, settings), berlin("2026-02-02"))).toMatchObject({
      open: false,
      word: "suspended",
    });
  });
  test.each([
    [["dispute_opened"], "suspended", 0],
    [["dispute_opened", "dispute_won"], "active", 97],
    [["dispute_opened", "dispute_lost"], "refunded", 0],
    [["dispute_opened", "dispute_won", "dispute_lost"], "refunded", 0],
    [["dispute_opened", "dispute_lost", "dispute_won"], "active", 97],
  ] as const)("%s ends %s with a balance of %s", (kinds, standing, balance) => {
    const facts = [sale, ...kinds.map((kind, n) => word(kind, `2026-02-0${n + 1}`))];
    expect(openAt(facts, "2026-03-01").word).toBe(standing);
    expect(balanceOf(facts)).toEqual(euro(balance));
  });
});

describe("instalments (R12)", () => {
  const three = [rate(1, "2026-01-10"), rate(2, "2026-02-10"), rate(3, "2026-03-10")];
  test("are complete with the last rate, and later plan events change nothing", () => {
    const cancel = fact({ kind: "cancelled", on: "2026-03-20", chosenByVendor: true, for: day("2026-03-20") });
    expect(openAt([...three, cancel], "2099-01-01")).toMatchObject({ open: true, word: "active", until: null });
  });
  test("are complete when one larger payment reaches the agreed total", () =>
    expect(stateOf([rate(1, "2026-01-10"), rate(2, "2026-05-10", { amount: euro(398) })]).complete).toBe(true));
  test("a refund that breaks a complete plan makes the rate due on its day", () => {
    const facts = [...three, refund("2026-04-10", { amount: euro(199), rate: 2 })];
    expect(openAt(facts, "2026-04-17T23:59:59").open).toBe(true);
    expect(openAt(facts, "2026-04-18T00:00:00").open).toBe(false);
    expect(
      openAt(
        [...facts, rate(2, "2026-05-01", { transactionId: "again", identity: "again", id: "again" })],
        "2030-01-01",
      ).open,
    ).toBe(true);
  });
  test("an unpaid rate pauses after its days of grace", () =>
    expect(openAt(three.slice(0, 2), "2026-03-18T00:00:00")).toMatchObject({ open: false, word: "paused" }));
  test("a rate refunded before the plan was complete takes only its own period", () => {
    const facts = [...three, refund("2026-01-20", { amount: euro(199), rate: 1 })];
    expect(openAt(facts, "2026-03-11").open).toBe(true);
    expect(openAt(facts, "2026-04-17T23:59:59").open).toBe(true);
    expect(openAt(facts, "2026-04-18T00:00:00").open).toBe(false);
  });
  test("the refund that broke the plan sets the day, not an earlier one that was paid again", () => {
    const again = rate(1, "2026-03-25", { transactionId: "again", identity: "again", id: "again" });
    const facts = [
      ...three,
      refund("2026-03-20", { amount: euro(199), rate: 1 }),
      again,
      refund("2026-06-20", { amount: euro(199), rate: 3 }),
    ];
    expect(openAt(facts, "2026-06-27T23:59:59").open).toBe(true);
    expect(openAt(facts, "2026-06-28T00:00:00").open).toBe(false);
  });
  test("part refunds that add up break the plan on the day of the last", () => {
    const facts = [
      ...three,
      refund("2026-03-20", { amount: euro(99), rate: 3 }),
      refund("2026-06-20", { amount: euro(100), rate: 3 }),
    ];
    expect(openAt(facts, "2026-06-27T23:59:59").open).toBe(true);
    expect(openAt(facts, "2026-06-28T00:00:00").open).toBe(false);
  });
  test("a part refund leaves a plan complete that one larger payment completed", () => {
    const large = rate(2, "2026-03-10", { amount: euro(398) });
    const facts = [rate(1, "2026-01-10"), large, refund("2026-06-20", { amount: euro(50), rate: 2 })];
    expect(openAt(facts, "2030-01-01").open).toBe(true);
  });
  test("a part refund of one rate leaves the plan complete", () =>
    expect(stateOf([...three, refund("2026-04-10", { amount: euro(50), rate: 2 })]).complete).toBe(true));
});

/** Facts of a life with everything in it: what arrives in what order must not matter. */
const anyLife = fc.constantFrom<LedgerFact[]>(
  [
    paid(1, "2026-01-15"),
    paid(2, "2026-02-17"),
    fact({ kind: "payment_failed", on: "2026-02-15", transactionId: "f", rate: 2 }),
    fact({ kind: "cancelled", on: "2026-02-20", chosenByVendor: false, for: day("2026-03-15") }),
    paid(3, "2026-04-01"),
  ],
  [
    rate(1, "2026-01-10"),
    rate(2, "2026-02-10"),
    rate(3, "2026-03-10"),
    fact({ kind: "cancelled", on: "2026-03-11", chosenByVendor: true, for: day("2026-03-11") }),
    refund("2026-03-20", { amount: euro(199), rate: 2 }),
  ],
  [
    paid(1, "2026-01-15", { rate: undefined }),
    paid(2, "2026-02-15", { rate: undefined }),
    paid(3, "2026-03-15", { rate: undefined }),
    refund("2026-02-20"),
    refund("2026-03-20", { amount: euro(10) }),
    fact({ kind: "refund_reversed", on: "2026-03-25", transactionId: "x", reverses: "back-2026-03-20" }),
  ],
  [
    fact({ kind: "trial", on: "2026-01-01", to: day("2026-01-15"), plan: monthly }),
    paid(1, "2026-01-15"),
    fact({ kind: "dispute_opened", on: "2026-01-20", transactionId: "a", rate: 1, amount: euro(29) }),
    fact({ kind: "dispute_won", on: "2026-02-20", transactionId: "b", rate: 1, amount: euro(29) }),
    paid(2, "2026-02-15"),
  ],
);

test("any order and any repetition of arrival folds to the same state and balance", () =>
  fc.assert(
    fc.property(
      anyLife.chain((life) =>
        fc.tuple(fc.constant(life), fc.shuffledSubarray(life, { minLength: life.length, maxLength: life.length })),
      ),
      ([life, shuffled]) => {
        expect(stateOf(shuffled)).toEqual(stateOf(life));
        expect(balanceOf(shuffled)).toEqual(balanceOf(life));
      },
    ),
  ));

test("the balance is the sum of the transactions", () =>
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 20 }),
      (payments, refunds) => {
        const facts = [
          ...payments.map((cents, n) =>
            fact({ kind: "payment", on: "2026-01-01", transactionId: `p${n}`, amount: euro(cents / 100) }),
          ),
          ...refunds.map((cents, n) =>
            fact({ kind: "refund", on: "2026-01-02", transactionId: `b${n}`, amount: euro(cents / 100) }),
          ),
        ];
        const sum = (all: number[]) => all.reduce((total, cents) => total + cents, 0);
        expect(balanceOf(facts)?.minor).toBe(BigInt(sum(payments) - sum(refunds)));
      },
    ),
  ));
