import { id, unreadable } from "../values.ts";
import type { When } from "../domain/day.ts";
import type { Fact, FactBody, Plan } from "../domain/fact.ts";
import type { Money } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import { parsePacific } from "./dates.ts";
import type { Form } from "./form.ts";
import { amountOf, sharesOf } from "./lines.ts";
import type { Saying } from "./said.ts";

/** What one payment is part of. */
export type Deal = {
  readonly orderId: string;
  readonly plan?: Plan;
  /** the provider's word on when the next one is due */
  readonly next?: When;
};

/**
 * What a message about one payment says, by `payment_status`. Pending and completed share the transaction, so the kind is
 * part of each fact's identity. A status nobody knows says nothing.
 *
 * Money that moved the other way (the seller paid somebody) is no payment.
 * @returns unreadable_txn_id, unreadable_amount
 * Source: PayPal "IPN and PDT variables", payment_status
 */
export function paymentFacts(form: Form, deal: Deal): Saying {
  const transactionId = id(form.get("txn_id"));
  const parent = id(form.get("parent_txn_id"));
  const kind = kinds.get(form.get("payment_status")?.trim() ?? "");
  const aliases = [transactionId, parent];
  if (!kind) return { ok: true, orderId: deal.orderId, aliases, facts: [] };
  if (transactionId === undefined) return unreadable("txn_id", "The message names no transaction (txn_id).");
  const amount = amountOf(form, ["mc_gross", "amount"]);
  if (kind === "payment" && !amount)
    return unreadable(
      "amount",
      "Amount or currency of this payment (mc_gross, mc_currency) is missing or cannot be read.",
    );
  if (amount?.negative) return { ok: true, orderId: deal.orderId, aliases, facts: [] };

  const happenedAt = parsePacific(form.get("payment_date"));
  const facts = sharesOf(form, amount).map(({ minor, ...product }): Fact => {
    const body = bodyOf(kind, transactionId, amount && { minor, currency: amount.currency }, deal.next);
    return {
      ...body,
      ...product,
      identity: identityOf(body.kind, [transactionId, product.productId]),
      ...(happenedAt !== undefined && { happenedAt }),
      ...(deal.plan && { plan: deal.plan }),
    };
  });
  return { ok: true, orderId: deal.orderId, aliases, facts };
}

type Kind = "payment" | "payment_pending" | "payment_failed";

/** @param amount there for every payment */
function bodyOf(kind: Kind, transactionId: string, amount: Money | undefined, next: When | undefined): FactBody {
  if (kind === "payment_failed") return { kind, transactionId };
  if (kind === "payment" && amount) return { kind, transactionId, amount, ...(next && { next }) };
  return { kind: "payment_pending", transactionId, ...(amount && { amount }) };
}

const kinds: ReadonlyMap<string, Kind> = new Map([
  ["Completed", "payment"],
  ["Processed", "payment_pending"],
  ["Pending", "payment_pending"],
  ["Created", "payment_pending"],
  ["In-Progress", "payment_pending"],
  ["Denied", "payment_failed"],
  ["Failed", "payment_failed"],
  ["Expired", "payment_failed"],
  ["Voided", "payment_failed"],
] as const);
