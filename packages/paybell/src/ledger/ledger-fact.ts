import type { Instant } from "@paybell/protocols/domain/day";
import type { Fact, FactBody } from "@paybell/protocols/domain/fact";

/** A fact as the ledger keeps it. */
export type LedgerFact = Fact & {
  readonly id: string;
  /** by the provider's clock, or the arrival where it gives none */
  readonly happenedAt: Instant;
  readonly arrivedAt: Instant;
  /** null: the operator's word */
  readonly notificationId: string | null;
};

export type FactOf<K extends FactBody["kind"]> = Extract<LedgerFact, { kind: K }>;

export function ofKind<K extends FactBody["kind"]>(facts: readonly LedgerFact[], ...kinds: K[]): FactOf<K>[] {
  return facts.filter((fact): fact is FactOf<K> => (kinds as string[]).includes(fact.kind));
}

/** By their own time; the identity decides between equals, so that no order of arrival shows. */
export function inOrder<T extends LedgerFact>(facts: readonly T[]): T[] {
  return facts.toSorted((a, b) => a.happenedAt - b.happenedAt || (a.identity < b.identity ? -1 : 1));
}
