import { id, label, unreadable } from "../values.ts";
import { type DisputeFact, type Fact, type FactBody, wholeOrder } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { parsePacific } from "./dates.ts";
import type { Form } from "./form.ts";
import { amountOf } from "./lines.ts";
import type { Saying } from "./said.ts";

/** These name what happened, whatever `txn_type` says: it may be absent, or repeat that of the sale. */
export type Correction = "Refunded" | "Reversed" | "Canceled_Reversal";

export function correctionOf(form: Form): Correction | undefined {
  const status = form.get("payment_status")?.trim();
  return status === "Refunded" || status === "Reversed" || status === "Canceled_Reversal" ? status : undefined;
}

/**
 * Money that went back. It opens no order: it waits until the payment it corrects (`parent_txn_id`) is known. PayPal does
 * not tell which product of a cart was meant, so it is said of the whole order and shared by what the payment was for.
 *
 * A reversal is a dispute: PayPal took the money and may still give it back. What is reversed and given back meet under
 * the payment's transaction; where a canceled reversal names the reversal instead, the ledger finds the open dispute.
 * @returns unreadable_amount, unreadable_txn_id
 * Source: PayPal "IPN and PDT variables", payment_status and parent_txn_id
 */
export function correctionFacts(correction: Correction, form: Form): Saying {
  const own = id(form.get("txn_id"));
  const parent = id(form.get("parent_txn_id"));
  const amount = amountOf(form);
  if (own === undefined && parent === undefined)
    return unreadable("txn_id", "The message names no transaction (txn_id, parent_txn_id).");
  if (correction === "Refunded" && !amount)
    return unreadable(
      "amount",
      "Amount or currency of this refund (mc_gross, mc_currency) is missing or cannot be read.",
    );
  const transactionId = own ?? parent ?? "";
  const money = amount && { minor: amount.minor, currency: amount.currency };
  const body: FactBody =
    correction === "Refunded" && money
      ? { kind: "refund", transactionId, amount: money, ...(parent !== undefined && { refunds: parent }) }
      : {
          kind: correction === "Canceled_Reversal" ? "dispute_won" : "dispute_opened",
          transactionId: parent ?? transactionId,
          ...(money && { amount: money }),
        };
  return said(form, body, [transactionId, parent ?? ""]);
}

/**
 * `adjustment`: a dispute is settled, and money corrected. Taken, it is lost; given, it is won.
 * @returns unreadable_amount, since its sign is the verdict
 */
export function adjustmentFacts(form: Form): Saying {
  const own = id(form.get("txn_id"));
  const parent = id(form.get("parent_txn_id"));
  if (form.get("payment_status")?.trim() !== "Completed") return { ok: true, aliases: [own, parent], facts: [] };
  const amount = amountOf(form);
  const transactionId = parent ?? own;
  if (!amount || transactionId === undefined)
    return unreadable(
      "amount",
      "Amount or transaction of this adjustment (mc_gross, mc_currency, parent_txn_id) cannot be read.",
    );
  const kind = amount.negative ? "dispute_lost" : "dispute_won";
  const { minor, currency } = amount;
  return said(form, { kind, transactionId, amount: { minor, currency } }, [own ?? "", transactionId]);
}

/**
 * `new_case`: a chargeback suspends at once, and the reversal that follows says the same again. A complaint by itself takes
 * no money and may be withdrawn without a word, so it would suspend for ever: what comes of it is said by a reversal.
 */
export function caseFacts(form: Form): Saying {
  const own = id(form.get("txn_id"));
  const parent = id(form.get("parent_txn_id"));
  const transactionId = parent ?? own;
  if (form.get("case_type")?.trim().toLowerCase() !== "chargeback" || transactionId === undefined)
    return { ok: true, aliases: [own, parent], facts: [] };
  const body: DisputeFact = { kind: "dispute_opened", transactionId };
  return said(form, body, [transactionId, label(form.get("case_id"), 100) ?? ""]);
}

function said(form: Form, body: FactBody, parts: readonly string[]): Saying {
  const happenedAt = parsePacific(form.get("payment_date")) ?? parsePacific(form.get("case_creation_date"));
  const fact: Fact = {
    ...body,
    identity: identityOf(body.kind, parts),
    productId: wholeOrder,
    ...(happenedAt !== undefined && { happenedAt }),
  };
  const names = ["txn_id", "parent_txn_id", "subscr_id", "recurring_payment_id"];
  return { ok: true, aliases: names.map((name) => id(form.get(name))), facts: [fact] };
}
