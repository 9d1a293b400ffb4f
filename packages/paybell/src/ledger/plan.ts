import type { Instant, Interval } from "@paybell/protocols/domain/day";
import type { Plan } from "@paybell/protocols/domain/fact";
import type { Money } from "@paybell/protocols/domain/money";
import type { RuleSettings } from "../domain/settings.ts";
import type { Matched, Payment } from "./give-back.ts";
import { inOrder, type LedgerFact } from "./ledger-fact.ts";
import type { Period } from "./periods.ts";

export type KnownPlan = {
  readonly kind: Plan["kind"];
  readonly interval?: Interval;
  readonly total?: number;
  readonly agreed?: Money;
};

/** The plan as it was agreed: the word of the earliest rate counts, each gap filled by the next that knows. */
export function planOf(facts: readonly LedgerFact[], rules: RuleSettings): KnownPlan {
  const rate = (fact: LedgerFact) =>
    "rate" in fact && fact.rate !== undefined ? fact.rate : fact.kind === "trial" ? 0 : 1_000_000;
  const words = inOrder(facts)
    .toSorted((a, b) => rate(a) - rate(b))
    .flatMap((fact) => (fact.plan ? [fact.plan] : []));
  const repeats = facts.some(
    (fact) =>
      fact.kind === "trial" ||
      fact.kind === "cancelled" ||
      (fact.kind === "payment" && (fact.next ?? (fact.rate ?? 1) > 1)),
  );
  const kind = rules.plan ?? words[0]?.kind ?? (repeats ? "subscription" : "once");
  if (kind === "once") return { kind };
  const interval =
    words.map((word) => ("interval" in word ? word.interval : undefined)).find((known) => known !== undefined) ??
    (rules.interval && intervals[rules.interval]);
  const agreed = words.find((word) => word.kind === "instalments" && word.total !== undefined);
  return {
    kind,
    ...(interval && { interval }),
    ...(kind === "instalments" &&
      agreed?.kind === "instalments" &&
      agreed.total !== undefined && { total: agreed.total }),
    ...(kind === "instalments" && agreed?.kind === "instalments" && agreed.agreed && { agreed: agreed.agreed }),
  };
}

/**
 * Complete when all rates are paid, or the net sum reaches the agreed total.
 * @returns `brokenAt`: a refund made the completed plan incomplete, then
 * Source: docs/rules.md, R12
 */
export function instalmentsOf(
  plan: KnownPlan,
  payments: readonly Payment[],
  periods: readonly Period[],
  matched: Matched,
): { complete: boolean; brokenAt?: Instant } {
  const reached = (standing: readonly Period[], net: bigint) =>
    plan.total !== undefined &&
    standing.length > 0 &&
    (new Set(standing.map(({ position }) => position)).size >= plan.total ||
      (plan.agreed !== undefined && net >= plan.agreed.minor));
  const gross = payments.reduce((sum, { amount }) => sum + amount.minor, 0n);
  const backs = [...matched.of.values()].flat();
  const net = backs.reduce((sum, { amount }) => sum - amount.minor, gross);
  const complete = reached(
    periods.filter(({ payment }) => !matched.full.has(payment.id)),
    net,
  );
  if (complete || !reached(periods, gross)) return { complete };
  const broken = periods
    .filter(({ payment }) => matched.full.has(payment.id))
    .flatMap(({ payment }) => matched.of.get(payment.id) ?? []);
  return broken.length === 0
    ? { complete }
    : { complete, brokenAt: Math.min(...broken.map(({ happenedAt }) => happenedAt)) };
}

const intervals: Record<NonNullable<RuleSettings["interval"]>, Interval> = {
  daily: { unit: "day", count: 1 },
  weekly: { unit: "week", count: 1 },
  biweekly: { unit: "week", count: 2 },
  monthly: { unit: "month", count: 1 },
  quarterly: { unit: "month", count: 3 },
  half_yearly: { unit: "month", count: 6 },
  yearly: { unit: "year", count: 1 },
};
