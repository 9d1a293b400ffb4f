import type { Instant, When } from "@paybell/protocols/domain/day";
import { dayOf, endOf } from "../domain/calendar.ts";
import { type FactOf, inOrder, type LedgerFact, ofKind } from "./ledger-fact.ts";
import type { Period } from "./periods.ts";

export type Cancellation = {
  /** as the provider named it; absent where it did not */
  readonly for?: When;
  /** first instant without access */
  readonly until: Instant;
  /** the vendor chose a day before the end of what was paid */
  readonly early: boolean;
  /** the provider's way of saying that the plan has run out */
  readonly runOut: boolean;
  readonly fact: string;
};

type Known = {
  readonly periods: readonly Period[];
  /** periods not given back */
  readonly standing: readonly Period[];
  readonly trialEnd: Instant | undefined;
  /** number of rates of an instalment plan */
  readonly total: number | undefined;
  readonly zone: string;
};

/**
 * A cancellation stops billing, not access: access runs through the later of its date and the end of what
 * was paid, without days of grace. It is lifted by the provider's word, or by a payment made after its date.
 * @returns null when nothing is cancelled, or the cancellation was lifted
 * Source: docs/rules.md, R8
 */
export function cancellationOf(facts: readonly LedgerFact[], known: Known): Cancellation | null {
  const { standing, periods, trialEnd, total, zone } = known;
  const cancels = inOrder(ofKind(facts, "cancelled"));
  if (cancels.length === 0) return null;
  const resumed = Math.max(Number.NEGATIVE_INFINITY, ...ofKind(facts, "resumed").map((fact) => fact.happenedAt));
  const paidEnd = Math.max(0, ...standing.map(({ paidThrough }) => endOf(paidThrough, zone)));
  const dateOf = (cancel: FactOf<"cancelled">) => (cancel.for ? endOf(cancel.for, zone) : endBefore(cancel));
  const lifted = (cancel: FactOf<"cancelled">) =>
    resumed > cancel.happenedAt ||
    (dateOf(cancel) > 0 && standing.some(({ payment }) => payment.happenedAt >= dateOf(cancel)));
  const open = cancels.filter((cancel) => !lifted(cancel));
  // The vendor's choice stands beside the buyer's. Among equals the latest date: messages carry no time of their
  // own by which an older one could be told.
  const chosen = open.filter((cancel) => cancel.chosenByVendor && cancel.for !== undefined);
  const candidates = chosen.length > 0 ? chosen : open;
  if (candidates.length === 0) return null;
  const cancel = candidates.reduce((best, other) => (dateOf(other) > dateOf(best) ? other : best));
  const date = dateOf(cancel);

  const runOut = total !== undefined && periods.some(({ position }) => position >= total);
  const base = Math.max(paidEnd, trialEnd ?? 0);
  // Nothing was paid: a date on the day the trial ends means that end.
  const trialDay =
    standing.length === 0 &&
    trialEnd !== undefined &&
    date > trialEnd &&
    dayOf(trialEnd - 1, zone) === dayOf(date - 1, zone);
  // Money that came after the vendor's word extends access all the same.
  const paidSince = standing.some(({ payment }) => payment.happenedAt > cancel.happenedAt);
  const early = cancel.chosenByVendor && cancel.for !== undefined && !paidSince && !runOut && date < base;
  const until = early ? date : trialDay ? base : Math.max(date, base);
  return { ...(cancel.for && { for: cancel.for }), until, early, runOut, fact: cancel.id };

  /** No date is never today: what was paid when it was said decides. */
  function endBefore(fact: FactOf<"cancelled">): Instant {
    const paid = standing
      .filter(({ payment }) => payment.happenedAt <= fact.happenedAt)
      .map(({ paidThrough }) => endOf(paidThrough, zone));
    return Math.max(0, trialEnd ?? 0, ...paid);
  }
}
