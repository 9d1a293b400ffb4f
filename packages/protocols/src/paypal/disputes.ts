import { id, unreadable } from "../values.ts";
import { type DisputeFact, wholeOrder } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { list, moneyOf, object, text } from "./resource.ts";
import { happened, type Message, type Saying } from "./said.ts";

/**
 * A dispute suspends while it is open, and its outcome decides. An outcome nobody knows leaves it open, for the operator to
 * see. A dispute over several payments is booked on the first: to name them all would make one order of theirs.
 * @returns unreadable_dispute
 * Source: PayPal "Disputes v1", dispute_outcome
 */
export function disputeFacts(event: string, message: Message): Saying {
  const { resource, at } = message;
  const disputed = list(resource["disputed_transactions"])[0] ?? {};
  const transactionId = id(disputed["seller_transaction_id"]);
  if (transactionId === undefined)
    return unreadable("dispute", "The dispute names no payment (disputed_transactions).");
  const outcome = object(resource["dispute_outcome"]);
  const kind = event === "CUSTOMER.DISPUTE.CREATED" ? "dispute_opened" : outcomes.get(text(outcome["outcome_code"]));
  if (!kind) return { ok: true, aliases: [transactionId], facts: [] };
  const lost = kind === "dispute_lost" ? moneyOf(outcome["amount_refunded"]) : undefined;
  const amount = lost ?? moneyOf(resource["dispute_amount"]);
  const body: DisputeFact = { kind, transactionId, ...(amount && { amount }) };
  const identity = identityOf(kind, [transactionId, id(resource["dispute_id"]) ?? "", message.id]);
  return { ok: true, aliases: [transactionId], facts: [{ ...body, identity, productId: wholeOrder, ...happened(at) }] };
}

/** Paid out means that PayPal bore it. */
const outcomes: ReadonlyMap<string, DisputeFact["kind"]> = new Map([
  ["RESOLVED_BUYER_FAVOUR", "dispute_lost"],
  ["RESOLVED_BUYER_FAVOR", "dispute_lost"],
  ["ACCEPTED", "dispute_lost"],
  ["RESOLVED_SELLER_FAVOUR", "dispute_won"],
  ["RESOLVED_SELLER_FAVOR", "dispute_won"],
  ["RESOLVED_WITH_PAYOUT", "dispute_won"],
  ["CANCELED_BY_BUYER", "dispute_won"],
  ["DENIED", "dispute_won"],
  ["NONE", "dispute_won"],
]);
