import type { Instant } from "@paybell/protocols/domain/day";
import type { Money } from "@paybell/protocols/domain/money";
import { inOrder, type LedgerFact, ofKind } from "./ledger-fact.ts";

/** One case: money the bank took back, and what was decided. */
export type Dispute = {
  readonly standing: "opened" | "won" | "lost";
  readonly transactionId: string;
  readonly amount?: Money;
  readonly rate?: number;
  readonly productId: string;
  /** the facts that speak of it, the deciding one last */
  readonly facts: readonly string[];
  readonly since: Instant;
};

/**
 * Groups the dispute facts of an order into cases. The latest word by its own time counts. A verdict under
 * a transaction of its own belongs to the open case of the same product and rate that preceded it.
 * Source: docs/rules.md, R11
 */
export function disputesOf(facts: readonly LedgerFact[]): Dispute[] {
  const cases = new Map<string, DisputeFact[]>();
  for (const fact of inOrder(ofKind(facts, "dispute_opened", "dispute_won", "dispute_lost"))) {
    const key = `${fact.productId}\0${fact.transactionId}`;
    cases.set(key, [...(cases.get(key) ?? []), fact]);
  }
  for (const [key, words] of Array.from(cases)) {
    if (words.some((word) => word.kind === "dispute_opened")) continue;
    const open = openCase([...cases.values()], words[0]!);
    if (!open) continue;
    open.push(...words);
    cases.delete(key);
  }
  return [...cases.values()].map(standing);
}

type DisputeFact = ReturnType<typeof ofKind<"dispute_opened" | "dispute_won" | "dispute_lost">>[number];

function openCase(cases: DisputeFact[][], verdict: DisputeFact): DisputeFact[] | undefined {
  const open = cases.filter(
    (words) =>
      words.every((word) => word.kind === "dispute_opened") &&
      words[0]!.productId === verdict.productId &&
      (verdict.rate === undefined || words[0]!.rate === undefined || words[0]!.rate === verdict.rate),
  );
  return open.findLast((words) => words[0]!.happenedAt <= verdict.happenedAt) ?? open[0];
}

function standing(words: DisputeFact[]): Dispute {
  const ordered = inOrder(words).toSorted((a, b) => a.happenedAt - b.happenedAt || rank[a.kind] - rank[b.kind]);
  const last = ordered.at(-1)!;
  const opened = ordered.find((word) => word.kind === "dispute_opened") ?? last;
  const amount = opened.amount ?? last.amount;
  return {
    standing: last.kind === "dispute_opened" ? "opened" : last.kind === "dispute_won" ? "won" : "lost",
    transactionId: opened.transactionId,
    ...(amount && { amount }),
    ...(opened.rate !== undefined && { rate: opened.rate }),
    productId: opened.productId,
    facts: ordered.map((word) => word.id),
    since: last.happenedAt,
  };
}

const rank = { dispute_opened: 0, dispute_lost: 1, dispute_won: 2 };
