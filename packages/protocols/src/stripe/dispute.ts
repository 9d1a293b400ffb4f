import { type Unreadable, unreadable, type Values } from "../values.ts";
import { type Fact, type FactBody, wholeOrder } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { moneyOf } from "./amounts.ts";
import { originOf } from "./charge.ts";
import { instantOf, refIn, type Said, stamp, type StripeEvent } from "./event.ts";

/**
 * What a dispute says. An inquiry (`warning_…`) is none; it may become one without a new `charge.dispute.created`, so any
 * message of an open dispute opens it, under one identity. A verdict may change on appeal: each is a fact of its own.
 * @returns unreadable_id, unreadable_amount
 * Source: Stripe API, "The Dispute object"
 */
export function disputeSays(event: StripeEvent, told: readonly Values[] | undefined): Said | Unreadable {
  const { object: dispute, createdAt } = event;
  const kind = kindOf(event);
  if (!kind) return { facts: [] };
  const transactionId = refIn(dispute, "id");
  if (transactionId === undefined) return unreadable("id", "The dispute has no id that can be read.");
  const amount = moneyOf(dispute["amount"], dispute["currency"]);
  if (!amount && kind === "dispute_lost")
    return unreadable("amount", "The dispute's amount (amount, currency) is missing or cannot be read.");
  const opened = kind === "dispute_opened";
  const happenedAt = opened ? (instantOf(dispute["created"]) ?? createdAt) : createdAt;
  const body: FactBody = { kind, transactionId, ...(amount && { amount }) };
  const fact: Fact = {
    ...body,
    identity: identityOf(kind, opened ? [transactionId] : [transactionId, stamp(happenedAt)]),
    productId: wholeOrder,
    ...(happenedAt !== undefined && { happenedAt }),
  };
  return { aliases: originOf(event, told).aliases, facts: [fact] };
}

/** `warning_closed` and `prevented` decide nothing, as nothing was taken. */
function kindOf({
  type,
  object: { status },
}: StripeEvent): "dispute_opened" | "dispute_won" | "dispute_lost" | undefined {
  if (type === "charge.dispute.closed") {
    if (status === "won") return "dispute_won";
    return status === "lost" ? "dispute_lost" : undefined;
  }
  return status === "needs_response" || status === "under_review" ? "dispute_opened" : undefined;
}
