import type { Day, Instant, When } from "@paybell/protocols/domain/day";
import type { Plan } from "@paybell/protocols/domain/fact";
import { addDays, addDuration, dayOf, endOf, startOfDay, whenDay } from "../domain/calendar.ts";
import { defaults, type RuleSettings } from "../domain/settings.ts";
import { type Cancellation, cancellationOf } from "./cancellation.ts";
import { type Dispute, disputesOf } from "./disputes.ts";
import { giveBacksOf, matchGiveBacks, type Payment } from "./give-back.ts";
import { inOrder, type LedgerFact, ofKind } from "./ledger-fact.ts";
import { type Period, periodsOf } from "./periods.ts";
import { instalmentsOf, planOf } from "./plan.ts";
import { missedOf, type Remark, remarksOf } from "./remarks.ts";

/** From when until when an item is open, and because of what. Ends are the first instant without access. */
export type Span = {
  readonly kind: "paid" | "trial" | "grace" | "pending";
  readonly from: Instant;
  readonly until: Instant | null;
  readonly rule: string;
  readonly facts: readonly string[];
};

/** What all facts of an item come to. No clock in it: what is open at an instant is access/access.ts. */
export type ItemState = {
  readonly plan: Plan["kind"];
  readonly spans: readonly Span[];
  readonly rates: { readonly paid: number; readonly total: number | null };
  /** places of the payments that stand: what counted features open by */
  readonly positions: readonly number[];
  readonly complete: boolean;
  /** the next payment is due then */
  readonly paidThrough: When | null;
  readonly cancelled: Cancellation | null;
  readonly suspended: { readonly since: Instant; readonly facts: readonly string[] } | null;
  /** the period after the last one paid was given back */
  readonly lastGivenBack: boolean;
  readonly money: "none" | "pending" | "failed" | "trial" | "paid" | "refunded" | "unmatched";
  readonly quantity: number;
  /** plan payments that failed and have not come since, by billing period */
  readonly missed: readonly { readonly period: string; readonly fact: string }[];
  /** facts that wait, with the reason */
  readonly waiting: Readonly<Record<string, string>>;
  /** give-backs that found their payment, by fact id */
  readonly givenBack: readonly string[];
  /** for the operator: what looks wrong and stays as it is */
  readonly remarks: readonly Remark[];
};

export type FoldSettings = { readonly zone: string; readonly rules: RuleSettings };

/**
 * Folds an item's facts. Same facts, same answer: neither order nor repetition of arrival shows.
 * @param facts of this item
 * @param orderFacts of the whole order: a dispute suspends all its items
 */
export function fold(
  facts: readonly LedgerFact[],
  orderFacts: readonly LedgerFact[],
  settings: FoldSettings,
): ItemState {
  const { zone, rules } = settings;
  const payments = inOrder(ofKind(facts, "payment"));
  const disputes = disputesOf(facts);
  const giveBacks = giveBacksOf(facts, disputes);
  const matched = matchGiveBacks(payments, giveBacks);
  const plan = planOf(facts, rules);
  const trial = inOrder(ofKind(facts, "trial"))[0];
  const ends = ofKind(facts, "cancelled").flatMap((cancel) => cancel.for ?? []);
  const periods = plan.kind === "once" ? [] : periodsOf(payments, matched.full, plan.interval, trial?.to, zone, ends);
  const standing = periods.filter(({ payment }) => !matched.full.has(payment.id));
  const instalments = plan.kind === "instalments" ? instalmentsOf(plan, periods, matched) : undefined;
  const complete = instalments?.complete ?? false;
  const paidUp = complete || instalments?.brokenAt !== undefined;
  const trialOver = payments.length > 0 || ofKind(facts, "payment_failed").length > 0;
  const trialEnd = trial && (payments.length > 0 || !trialOver) ? endOf(trial.to, zone) : undefined;
  const last = latest(standing, zone);
  const cancelled =
    plan.kind === "once" || paidUp
      ? null
      : cancellationOf(facts, {
          periods,
          standing,
          trialEnd,
          total: plan.kind === "instalments" ? plan.total : undefined,
          zone,
        });
  const spans = spansOf();
  const waiting = Object.fromEntries(matched.unmatched.map((back) => [back.id, "refund_without_payment"]));
  const paid = new Set(
    plan.kind === "once" ? payments.filter(stands).map((_, n) => n + 1) : standing.map(({ position }) => position),
  );
  const total = plan.kind === "instalments" ? (plan.total ?? null) : plan.kind === "once" ? 1 : null;

  return {
    plan: plan.kind,
    spans,
    rates: { paid: paid.size, total },
    // A plan completed by its sum has every place paid.
    positions: complete && total !== null ? Array.from({ length: total }, (_, n) => n + 1) : [...paid],
    complete,
    paidThrough: plan.kind === "once" || paidUp ? null : (last?.paidThrough ?? trial?.to ?? null),
    cancelled,
    suspended: suspension(disputesOf(orderFacts)),
    lastGivenBack: last !== undefined && givenBackAfter(endOf(last.paidThrough, zone)),
    money: moneyOf(),
    quantity: inOrder(facts).findLast((fact) => fact.quantity !== undefined)?.quantity ?? 1,
    missed: cancelled || paidUp ? [] : missedOf(facts, payments, periods),
    waiting,
    givenBack: [...matched.of.values()]
      .flat()
      .map((back) => back.id)
      .toSorted(),
    remarks: remarksOf(facts, { periods, matched, disputes, repeats: plan.kind !== "once", zone }),
  };

  function stands(payment: Payment): boolean {
    return !matched.full.has(payment.id);
  }

  function spansOf(): Span[] {
    const spans: Span[] = [];
    if (plan.kind === "once") {
      for (const payment of payments.filter(stands)) {
        const until = rules.duration ? addDuration(payment.happenedAt, rules.duration, zone) : null;
        spans.push({
          kind: "paid",
          from: Math.min(payment.happenedAt, payment.arrivedAt),
          until,
          rule: "R5",
          facts: [payment.id],
        });
      }
      return [...spans, ...pendingSpans(facts, payments, rules)];
    }
    if (trial && trialEnd !== undefined) {
      spans.push({
        kind: "trial",
        from: Math.min(trial.happenedAt, trial.arrivedAt),
        until: trialEnd,
        rule: "R13",
        facts: [trial.id],
      });
      if (payments.length === 0 && !cancelled) {
        const hours = rules.trial_grace_hours ?? defaults.trial_grace_hours;
        spans.push({
          kind: "grace",
          from: trialEnd,
          until: trialEnd + hours * 3_600_000,
          rule: "R13",
          facts: [trial.id],
        });
      }
    }
    if (complete) {
      spans.push({
        kind: "paid",
        from: Math.min(...standing.map(({ from }) => from)),
        until: null,
        rule: "R12",
        facts: standing.map(({ payment }) => payment.id),
      });
      return spans;
    }
    const graceDays = rules.grace_days ?? defaults.grace_days;
    if (instalments?.brokenAt !== undefined) {
      // A completed plan that a refund made incomplete: the missing rate is due on the day of that refund.
      const due = dayOf(instalments.brokenAt, zone);
      if (standing.length > 0) {
        spans.push({
          kind: "grace",
          from: Math.min(...standing.map(({ from }) => from)),
          until: dayEnd(addDays(due, graceDays)),
          rule: "R12",
          facts: standing.map(({ payment }) => payment.id),
        });
      }
      return spans;
    }
    for (const period of standing) {
      const until = cut(endOf(period.paidThrough, zone));
      spans.push({ kind: "paid", from: period.from, until, rule: "R6", facts: [period.payment.id] });
    }
    if (cancelled) {
      const reach = Math.max(...spans.map((span) => span.until ?? 0));
      if (spans.length > 0 && cancelled.until > reach && !givenBackAfter(reach)) {
        spans.push({ kind: "paid", from: reach, until: cancelled.until, rule: "R8", facts: [cancelled.fact] });
      }
    } else if (last && !givenBackAfter(endOf(last.paidThrough, zone))) {
      const due = whenDay(last.paidThrough, zone);
      spans.push({
        kind: "grace",
        from: endOf(last.paidThrough, zone),
        until: dayEnd(addDays(due, graceDays)),
        rule: "R7",
        facts: [last.payment.id],
      });
    }
    return [...spans, ...pendingSpans(facts, payments, rules)];
  }

  function cut(until: Instant): Instant {
    return cancelled?.early ? Math.min(until, cancelled.until) : until;
  }

  function dayEnd(day: Day): Instant {
    return startOfDay(addDays(day, 1), zone);
  }

  /** What would follow was paid and given back: neither grace nor a cancellation date stands in for it. */
  function givenBackAfter(end: Instant): boolean {
    return periods.some((other) => matched.full.has(other.payment.id) && endOf(other.paidThrough, zone) > end);
  }

  function moneyOf(): ItemState["money"] {
    if (payments.some(stands)) return "paid";
    if (payments.length > 0) return "refunded";
    if (trial) return ofKind(facts, "payment_failed").length > 0 ? "failed" : "trial";
    if (matched.unmatched.length > 0) return "unmatched";
    const pending = inOrder(ofKind(facts, "payment_pending")).at(-1);
    const failed = inOrder(ofKind(facts, "payment_failed")).at(-1);
    if (pending && (!failed || failed.happenedAt < pending.happenedAt)) return "pending";
    return failed ? "failed" : "none";
  }
}

function latest(standing: readonly Period[], zone: string): Period | undefined {
  return standing.reduce<Period | undefined>(
    (best, period) => (!best || endOf(period.paidThrough, zone) > endOf(best.paidThrough, zone) ? period : best),
    undefined,
  );
}

function pendingSpans(facts: readonly LedgerFact[], payments: readonly Payment[], rules: RuleSettings): Span[] {
  if (!rules.access_on_pending || payments.length > 0) return [];
  const failed = ofKind(facts, "payment_failed");
  return ofKind(facts, "payment_pending")
    .filter((pending) => failed.every((fact) => fact.happenedAt < pending.happenedAt))
    .map((pending) => ({
      kind: "pending",
      from: Math.min(pending.happenedAt, pending.arrivedAt),
      until: null,
      rule: "R5",
      facts: [pending.id],
    }));
}

function suspension(disputes: readonly Dispute[]): ItemState["suspended"] {
  const open = disputes.filter((dispute) => dispute.standing === "opened");
  if (open.length === 0) return null;
  return { since: Math.min(...open.map(({ since }) => since)), facts: open.flatMap(({ facts }) => facts) };
}
