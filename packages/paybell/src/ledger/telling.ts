import type { Instant } from "@paybell/protocols/domain/day";
import type { Computed } from "./compute.ts";
import { inOrder, type LedgerFact } from "./ledger-fact.ts";

/** What is announced of one order now. */
export type Telling = {
  /** the order itself: it was not spoken of before */
  readonly created: boolean;
  /** by their own time */
  readonly facts: readonly { readonly item: Computed; readonly fact: LedgerFact }[];
  /** items whose instalments are all paid */
  readonly completed: readonly Computed[];
  /** by item: what it remembers, as it is told once */
  readonly marks: ReadonlyMap<string, readonly string[]>;
  /** by item: when its facts are told unless something comes before */
  readonly tellAt: ReadonlyMap<string, Instant>;
};

/**
 * Each booked fact is announced once, in the transaction that books it. One kind waits: a cancellation of an order of
 * which nothing else is known, in a message that does not say whether it is a test. The test order it belongs to may
 * still arrive and take it over, and a test must not be announced as live. It goes out with the order's first other
 * fact, or after a day.
 * @param order all items of one order; their facts include those just booked
 * @param added ids of the facts just booked
 * @param silent whether the notification of a fact just booked leaves the mode open
 */
export function tellingOf(
  order: readonly Computed[],
  added: ReadonlySet<string>,
  silent: (fact: LedgerFact) => boolean,
): Telling {
  const known = order.flatMap(({ facts }) => facts);
  const certainBefore = known.some((fact) => isCertain(fact) && !added.has(fact.id));
  const certain = known.some(isCertain);
  const facts: { item: Computed; fact: LedgerFact }[] = [];
  const marks = new Map<string, string[]>();
  const tellAt = new Map<string, Instant>();
  for (const item of order) {
    const fresh = item.facts.filter((fact) => added.has(fact.id));
    if (certainBefore || item.held.effects.includes(toldMark)) {
      facts.push(...fresh.map((fact) => ({ item, fact })));
      continue;
    }
    if (item.facts.length === 0) continue;
    const due = Math.min(...item.facts.map((fact) => fact.arrivedAt)) + waitMs;
    if (!certain && item.held.mode === "live" && fresh.every(silent) && item.now < due) {
      tellAt.set(item.held.id, due);
      continue;
    }
    facts.push(...item.facts.map((fact) => ({ item, fact })));
    if (!certain) marks.set(item.held.id, [toldMark]);
  }
  const spokenOf = certainBefore || order.some(({ held }) => held.effects.includes(toldMark));
  const completed = order.filter(isCompleted);
  for (const { held } of completed) marks.set(held.id, [...(marks.get(held.id) ?? []), completedMark]);
  const sorted = inOrder(facts.map(({ fact }) => fact));
  return {
    created: !spokenOf && facts.length > 0,
    facts: facts.toSorted((a, b) => sorted.indexOf(a.fact) - sorted.indexOf(b.fact)),
    completed,
    marks,
    tellAt,
  };
}

/** Longer than any provider goes on repeating what was not taken at once. */
const waitMs = 86_400_000;

/** The item was spoken of while nothing but a cancellation was known of its order. */
const toldMark = "announced";
const completedMark = "completed";

function isCertain({ kind }: LedgerFact): boolean {
  return kind !== "cancelled" && kind !== "contact_changed";
}

function isCompleted({ held, state }: Computed): boolean {
  return (
    state.plan === "instalments" && state.complete && !held.state?.complete && !held.effects.includes(completedMark)
  );
}
