import { wholeOrder } from "@paybell/protocols/domain/fact";
import { groupBy } from "../domain/group.ts";
import type { Held } from "./held-rows.ts";
import { type LedgerFact, ofKind } from "./ledger-fact.ts";

/**
 * Some messages speak of an order without its products: a refund of one payment for two of them. Each item bears its part.
 * @param held all items of these orders
 * @returns the facts of each item, its parts of what is said of the whole among them
 */
export function shareOut(
  held: readonly Held[],
  facts: ReadonlyMap<string, readonly LedgerFact[]>,
): Map<string, readonly LedgerFact[]> {
  const shared = new Map(facts);
  for (const items of groupBy(held, (item) => item.order.row).values()) {
    const whole = items.find((item) => item.productKey === wholeOrder);
    if (!whole) continue;
    const own = items.filter((item) => item !== whole);
    for (const fact of facts.get(whole.id) ?? []) {
      for (const [item, part] of partsOf(fact, own, facts))
        shared.set(item.id, [...(shared.get(item.id) ?? []), { ...part, productId: item.productKey }]);
    }
    shared.delete(whole.id);
  }
  return shared;
}

/** In proportion to what each was paid for; what speaks of one payment concerns what that payment was for. */
function partsOf(
  fact: LedgerFact,
  items: readonly Held[],
  facts: ReadonlyMap<string, readonly LedgerFact[]>,
): (readonly [Held, LedgerFact])[] {
  const paid = items.map((item) => {
    const payments = ofKind(facts.get(item.id) ?? [], "payment");
    return { item, all: sum(payments), meant: sum(payments.filter((one) => one.transactionId === paymentOf(fact))) };
  });
  const named = paid.some(({ meant }) => meant > 0n);
  const bearing = paid
    .map(({ item, all, meant }) => ({ item, weight: named ? meant : all }))
    .filter(({ weight }) => weight > 0n);
  if (bearing.length === 0 || !("amount" in fact) || fact.amount === undefined) {
    return (bearing.length === 0 ? items : bearing.map(({ item }) => item)).map((item) => [item, fact]);
  }
  const { minor, currency } = fact.amount;
  const total = bearing.reduce((all, { weight }) => all + weight, 0n);
  let [weightSoFar, minorSoFar] = [0n, 0n];
  return bearing.map(({ item, weight }) => {
    // What remains of the rounding falls where the running sum says, so that the parts make up the whole.
    weightSoFar += weight;
    const part = (minor * weightSoFar) / total - minorSoFar;
    minorSoFar += part;
    return [item, { ...fact, amount: { minor: part, currency } }];
  });
}

function paymentOf(fact: LedgerFact): string | undefined {
  if (fact.kind === "refund") return fact.refunds;
  return "transactionId" in fact ? fact.transactionId : undefined;
}

function sum(payments: readonly { readonly amount: { readonly minor: bigint } }[]): bigint {
  return payments.reduce((all, { amount }) => all + amount.minor, 0n);
}
