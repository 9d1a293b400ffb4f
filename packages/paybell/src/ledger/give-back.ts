import type { Instant } from "@paybell/protocols/domain/day";
import type { Money } from "@paybell/protocols/domain/money";
import type { Dispute } from "./disputes.ts";
import { type FactOf, inOrder, type LedgerFact, ofKind } from "./ledger-fact.ts";

/** Money that went back: a refund, or a dispute that was lost. */
export type GiveBack = {
  readonly id: string;
  readonly identity: string;
  readonly transactionId: string;
  readonly amount: Money;
  readonly refunds?: string;
  readonly rate?: number;
  readonly happenedAt: Instant;
  readonly lostDispute: boolean;
};

export type Payment = FactOf<"payment">;

export type Matched = {
  /** by the payment's fact id: what went back of it */
  readonly of: ReadonlyMap<string, readonly GiveBack[]>;
  /** payments given back in full: sums within one minor unit */
  readonly full: ReadonlySet<string>;
  /** waits for its payment */
  readonly unmatched: readonly GiveBack[];
};

/** Refunds that stand (a refund taken back counts as never given) and lost disputes, in order of their own time. */
export function giveBacksOf(facts: readonly LedgerFact[], disputes: readonly Dispute[]): GiveBack[] {
  const reversals = ofKind(facts, "refund_reversed");
  // A refund that failed first and was carried out later stands: the latest word by its own time counts.
  const reversed = ({ transactionId, happenedAt }: FactOf<"refund">) =>
    reversals.some((fact) => fact.reverses === transactionId && fact.happenedAt >= happenedAt);
  const refunds = inOrder(ofKind(facts, "refund"))
    .filter((fact) => !reversed(fact))
    .map((fact) => ({ ...fact, lostDispute: false }));
  const lost = disputes.flatMap((dispute): GiveBack[] =>
    dispute.standing === "lost" && dispute.amount
      ? [
          {
            id: dispute.facts.at(-1)!,
            identity: `dispute:${dispute.transactionId}`,
            transactionId: dispute.transactionId,
            amount: dispute.amount,
            ...(dispute.rate !== undefined && { rate: dispute.rate }),
            happenedAt: dispute.since,
            lostDispute: true,
          },
        ]
      : [],
  );
  return [...refunds, ...lost].toSorted((a, b) => a.happenedAt - b.happenedAt || (a.identity < b.identity ? -1 : 1));
}

/**
 * Decides which payment each one gives back: the payment it names; otherwise the one with the same rate
 * number; otherwise the newest payment before it that is not yet given back and at least as large.
 * Source: docs/rules.md, R10
 */
export function matchGiveBacks(payments: readonly Payment[], giveBacks: readonly GiveBack[]): Matched {
  const of = new Map<string, GiveBack[]>();
  const unmatched: GiveBack[] = [];
  const left = (payment: Payment) =>
    (of.get(payment.id) ?? []).reduce((rest, back) => rest - back.amount.minor, payment.amount.minor);
  const assign = (payment: Payment, back: GiveBack) => of.set(payment.id, [...(of.get(payment.id) ?? []), back]);
  const same = (payment: Payment, back: GiveBack) => payment.amount.currency === back.amount.currency;

  const byRate: GiveBack[] = [];
  for (const back of giveBacks) {
    const named = payments.find((payment) => back.refunds !== undefined && payment.transactionId === back.refunds);
    if (named && same(named, back)) assign(named, back);
    else byRate.push(back);
  }
  const byAmount: GiveBack[] = [];
  for (const back of byRate) {
    // A rate charged again after it was given back has two payments: the newest with something left is meant.
    const rated = payments.filter(
      (payment) =>
        back.refunds === undefined && back.rate !== undefined && payment.rate === back.rate && same(payment, back),
    );
    const payment = rated.findLast((candidate) => left(candidate) >= back.amount.minor) ?? rated.at(-1);
    if (payment) assign(payment, back);
    else byAmount.push(back);
  }
  for (const back of byAmount) {
    const open = payments
      .filter(
        (payment) =>
          back.refunds === undefined && same(payment, back) && left(payment) > 0n && left(payment) >= back.amount.minor,
      )
      .toSorted((a, b) => a.happenedAt - b.happenedAt);
    const payment = open.findLast((candidate) => candidate.happenedAt <= back.happenedAt) ?? open[0];
    if (payment) assign(payment, back);
    else unmatched.push(back);
  }

  const full = new Set(
    payments.filter((payment) => of.has(payment.id) && left(payment) <= 1n).map((payment) => payment.id),
  );
  if (unmatched.length > 0 && payments.length > 0 && sum(giveBacks) >= sum(payments)) {
    for (const payment of payments) full.add(payment.id); // everything went back, in pieces nobody named
    return { of, full, unmatched: [] };
  }
  return { of, full, unmatched };
}

function sum(entries: readonly { readonly amount: Money }[]): bigint {
  return entries.reduce((total, { amount }) => total + amount.minor, 0n);
}
