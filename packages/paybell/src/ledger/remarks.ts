import { endOf } from "../domain/calendar.ts";
import type { Dispute } from "./disputes.ts";
import type { Matched, Payment } from "./give-back.ts";
import { inOrder, type LedgerFact, ofKind } from "./ledger-fact.ts";
import type { Period } from "./periods.ts";

/** Something the operator should know: it is booked as it came and may need a person. */
export type Remark = { readonly kind: RemarkKind; readonly fact: string };

export type RemarkKind =
  | "payment_after_cancellation"
  | "refunded_still_charged"
  | "refund_without_payment"
  | "dispute_opened";

type Known = {
  readonly periods: readonly Period[];
  readonly matched: Matched;
  readonly disputes: readonly Dispute[];
  /** subscription or instalments */
  readonly repeats: boolean;
  readonly zone: string;
};

export function remarksOf(
  facts: readonly LedgerFact[],
  { periods, matched, disputes, repeats, zone }: Known,
): Remark[] {
  return [
    ...matched.unmatched.map((back) => ({ kind: "refund_without_payment" as const, fact: back.id })),
    ...disputes
      .filter((dispute) => dispute.standing === "opened")
      .map((dispute) => ({ kind: "dispute_opened" as const, fact: dispute.facts[0]! })),
    ...stillCharged(periods, matched),
    ...(repeats ? paidAfterCancellation(facts, periods, zone) : []),
  ];
}

/** A failure counts while no payment for its rate is known; old news after the payment changes nothing. */
export function missedOf(
  facts: readonly LedgerFact[],
  payments: readonly Payment[],
  periods: readonly Period[],
): { period: string; fact: string }[] {
  return inOrder(ofKind(facts, "payment_failed"))
    .filter((failed) =>
      failed.rate === undefined
        ? !payments.some((payment) => payment.happenedAt >= failed.happenedAt)
        : !periods.some(({ position }) => position >= failed.rate!),
    )
    .map((failed) => ({
      period: String(failed.rate ?? `after-${Math.max(0, ...periods.map(({ position }) => position))}`),
      fact: failed.id,
    }));
}

/** The newest payment was given back, and still another one came after that. */
function stillCharged(periods: readonly Period[], matched: Matched): Remark[] {
  return periods.flatMap(({ payment }) => {
    const back = (matched.of.get(payment.id) ?? []).at(-1);
    if (!back || !matched.full.has(payment.id)) return [];
    const others = periods.map((period) => period.payment).filter((other) => other.id !== payment.id);
    const newest = others.every((other) => other.happenedAt < payment.happenedAt || other.happenedAt > back.happenedAt);
    const later = others.find((other) => other.happenedAt > back.happenedAt);
    return newest && later ? [{ kind: "refunded_still_charged" as const, fact: later.id }] : [];
  });
}

/** Charged for what lies beyond the day the plan was cancelled for. */
function paidAfterCancellation(facts: readonly LedgerFact[], periods: readonly Period[], zone: string): Remark[] {
  return ofKind(facts, "cancelled").flatMap((cancel) => {
    const end = cancel.for ? endOf(cancel.for, zone) : cancel.happenedAt;
    const paid = periods.find(
      ({ payment, paidThrough }) =>
        payment.happenedAt >= end || (payment.happenedAt > cancel.happenedAt && endOf(paidThrough, zone) > end),
    );
    return paid ? [{ kind: "payment_after_cancellation" as const, fact: paid.payment.id }] : [];
  });
}
