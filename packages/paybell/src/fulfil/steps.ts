import type { Instant } from "@paybell/protocols/domain/day";
import { accessAt, type Standing } from "../access/access.ts";
import { fold, type FoldSettings, type ItemState } from "../ledger/fold.ts";
import type { LedgerFact } from "../ledger/ledger-fact.ts";

/** One change of an item's state: facts that arrived together, or an instant the clock passed. */
export type Step = {
  readonly at: Instant;
  readonly arrived: readonly LedgerFact[];
  readonly before: { readonly state: ItemState; readonly standing: Standing };
  readonly after: { readonly state: ItemState; readonly standing: Standing };
};

/**
 * The item's history as it was lived: what was known when, and what the clock did in between. It depends on
 * facts and their arrivals alone, not on when anybody looked, so a node that slept over a boundary finds the
 * same steps.
 * @param after steps later than this instant only; null: all
 * @param until now
 */
export function stepsOf(
  facts: readonly LedgerFact[],
  orderFacts: readonly LedgerFact[],
  settings: FoldSettings,
  after: Instant | null,
  until: Instant,
): Step[] {
  const arrivals = [...new Set(orderFacts.map((fact) => fact.arrivedAt))]
    .filter((at) => at <= until && at > (after ?? Number.NEGATIVE_INFINITY))
    .toSorted((a, b) => a - b);
  const start = after ?? Number.NEGATIVE_INFINITY;
  const known = (at: Instant) =>
    fold(
      facts.filter((fact) => fact.arrivedAt <= at),
      orderFacts.filter((fact) => fact.arrivedAt <= at),
      settings,
    );
  const steps: Step[] = [];
  let state = known(start);
  let standing = accessAt(state, start);
  const take = (at: Instant, next: ItemState, arrived: readonly LedgerFact[]) => {
    const reached = accessAt(next, at);
    steps.push({ at, arrived, before: { state, standing }, after: { state: next, standing: reached } });
    state = next;
    standing = reached;
  };
  const tick = (end: Instant) => {
    for (let edge = standing.changesAt; edge !== null && edge <= end; edge = standing.changesAt) take(edge, state, []);
  };
  for (const at of arrivals) {
    tick(at - 1);
    take(
      at,
      known(at),
      facts.filter((fact) => fact.arrivedAt === at),
    );
  }
  tick(until);
  return steps;
}
