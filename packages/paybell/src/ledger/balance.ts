import type { Money } from "@paybell/protocols/domain/money";
import { disputesOf } from "./disputes.ts";
import { giveBacksOf } from "./give-back.ts";
import { inOrder, type LedgerFact, ofKind } from "./ledger-fact.ts";

/** Sum of all ledger entries: payments, less refunds that stand, less disputes not won. */
export function balanceOf(facts: readonly LedgerFact[]): Money | null {
  const disputes = disputesOf(facts);
  const entries = [
    ...inOrder(ofKind(facts, "payment")).map(({ amount }) => amount),
    ...giveBacksOf(facts, disputes).map(({ amount }) => negative(amount)),
    ...disputes.flatMap((dispute) =>
      dispute.standing === "opened" && dispute.amount ? [negative(dispute.amount)] : [],
    ),
  ];
  const currency = entries[0]?.currency;
  if (!currency) return null;
  const minor = entries.reduce((sum, entry) => (entry.currency === currency ? sum + entry.minor : sum), 0n);
  return { minor, currency };
}

function negative(amount: Money): Money {
  return { minor: -amount.minor, currency: amount.currency };
}
