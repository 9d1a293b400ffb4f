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
 * Complete when all rates are paid, or the net sum reaches the agreed total. What was complete stays so until a
 * payment is given back in full: part refunds change the balance alone.
 * @returns `brokenAt`: a refund made the completed plan incomplete, then
 * Source: docs/rules.md, R10, R12
 */
export function instalmentsOf(
  { total, agreed }: KnownPlan,
  periods: readonly Period[],
  matched: Matched,
): { complete: boolean; brokenAt?: Instant } {
  if (total === undefined) return { complete: false };
  const rates = periods.map(({ payment, position }) => ({ payment, position, goneAt: goneAt(payment, matched) }));
  const reached = (at: Instant, lessPartRefunds: boolean) => {
    const standing = rates.filter(
      ({ payment, goneAt: gone }) => payment.happenedAt <= at && (gone === null || gone > at),
    );
    const sum = standing.reduce(
      (known, { payment }) => known + payment.amount.minor - (lessPartRefunds ? givenBack(payment, matched, at) : 0n),
      0n,
    );
    return (
      standing.length > 0 &&
      (new Set(standing.map(({ position }) => position)).size >= total || (agreed !== undefined && sum >= agreed.minor))
    );
  };
  let complete = false;
  let brokenAt: Instant | undefined;
  const instants = rates.flatMap(({ payment, goneAt: gone }) => [payment.happenedAt, ...(gone === null ? [] : [gone])]);
  for (const at of [...new Set(instants)].toSorted((a, b) => a - b)) {
    const before = complete;
    complete = reached(at, !before);
    if (complete) brokenAt = undefined;
    else if (before) brokenAt = at;
  }
  return { complete, ...(brokenAt !== undefined && { brokenAt }) };
}

/** When a payment was given back in full; null: it stands. */
function goneAt(payment: Payment, matched: Matched): Instant | null {
  if (!matched.full.has(payment.id)) return null;
  const times = (matched.of.get(payment.id) ?? []).map(({ happenedAt }) => happenedAt).toSorted((a, b) => a - b);
  const full = times.find((at) => payment.amount.minor - givenBack(payment, matched, at) <= 1n);
  return Math.max(payment.happenedAt, full ?? times.at(-1) ?? payment.happenedAt);
}

function givenBack(payment: Payment, matched: Matched, until: Instant): bigint {
  return (matched.of.get(payment.id) ?? [])
    .filter(({ happenedAt }) => happenedAt <= until)
    .reduce((sum, { amount }) => sum + amount.minor, 0n);
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
