import type { Money } from "@paybell/protocols/domain/money";
import { z } from "zod";
import { disputesOf } from "../ledger/disputes.ts";
import { inOrder, type LedgerFact, ofKind } from "../ledger/ledger-fact.ts";
import { iso, isoInstant } from "./instant.ts";
import { moneySchema, shownMoney } from "./money.ts";

export const transactionSchema = z.object({
  kind: z.string(),
  transaction_id: z.string(),
  /** signed: what came is positive, what went back negative; null where the message names no amount */
  amount: moneySchema.nullable(),
  at: isoInstant,
  arrived_at: isoInstant,
  /** the provider's */
  product_id: z.string(),
  rate: z.int().nullable(),
  notification_id: z.string().nullable(),
  /** waiting: a refund without its payment */
  state: z.enum(["booked", "waiting"]),
});

export type ShownTransaction = z.input<typeof transactionSchema>;

/** The entries of one item, by their own time. They add up to its balance. */
export function transactionsOf(
  facts: readonly LedgerFact[],
  waiting: Readonly<Record<string, string>>,
): ShownTransaction[] {
  const disputed = disputeEntries(facts);
  const refunds = new Map(ofKind(facts, "refund").map((fact) => [fact.transactionId, fact.amount]));
  return inOrder(facts).flatMap((fact): ShownTransaction[] => {
    const shown = (amount: Money | undefined): ShownTransaction[] => [
      {
        kind: fact.kind,
        transaction_id: "transactionId" in fact ? fact.transactionId : "",
        amount: amount ? shownMoney(amount) : null,
        at: iso(fact.happenedAt),
        arrived_at: iso(fact.arrivedAt),
        product_id: fact.productId,
        rate: "rate" in fact ? (fact.rate ?? null) : null,
        notification_id: fact.notificationId,
        state: waiting[fact.id] === undefined ? "booked" : "waiting",
      },
    ];
    switch (fact.kind) {
      case "payment":
        return shown(fact.amount);
      case "refund":
        return shown(negative(fact.amount));
      case "refund_reversed":
        return shown(refunds.get(fact.reverses));
      case "dispute_opened":
      case "dispute_won":
      case "dispute_lost":
        return shown(disputed.get(fact.id));
      case "payment_pending":
      case "payment_failed":
      case "trial":
      case "cancelled":
      case "resumed":
      case "contact_changed":
        return [];
      default:
        return fact satisfies never;
    }
  });
}

/** A dispute takes the money once, however often it is spoken of; a win brings it back. */
function disputeEntries(facts: readonly LedgerFact[]): Map<string, Money> {
  const byId = new Map(facts.map((fact) => [fact.id, fact]));
  const entries = new Map<string, Money>();
  for (const { amount, facts: ids } of disputesOf(facts)) {
    if (!amount) continue;
    let taken = false;
    for (const id of ids) {
      const wins = byId.get(id)?.kind === "dispute_won";
      const moves = wins === taken;
      entries.set(id, moves ? (wins ? amount : negative(amount)) : { ...amount, minor: 0n });
      if (moves) taken = !wins;
    }
  }
  return entries;
}

function negative({ minor, currency }: Money): Money {
  return { minor: -minor, currency };
}
