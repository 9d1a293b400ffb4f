import { id, unreadable, type Values } from "../values.ts";
import { type Fact, type FactBody, wholeOrder } from "../domain/fact.ts";
import { identityOf } from "../identity.ts";
import { linkedId, list, moneyOf, object } from "./resource.ts";
import { happened, instantOf, type Message, resourceId, type Saying } from "./said.ts";

/**
 * Money that was given back: the resource is the refund, which names its capture by a link or, newer ones, by
 * `related_ids`; a sale by `sale_id`. It waits for the payment it names, and is shared by what that was for.
 * @returns unreadable_id, unreadable_amount
 * Source: PayPal "Payments v2", refund; "Payments v1", refund
 */
export function refundFacts(message: Message): Saying {
  const transactionId = resourceId(message);
  const amount = moneyOf(message.resource["amount"]);
  if (transactionId === undefined) return unreadable("id", "The refund has no id.");
  if (!amount) return unreadable("amount", "The amount of this refund is missing or cannot be read.");
  const refunds = paymentOf(message.resource);
  const body = { kind: "refund" as const, transactionId, amount, ...(refunds !== undefined && { refunds }) };
  return said(message, body, instantOf(message.resource["create_time"]) ?? message.at);
}

/**
 * Money that PayPal took back: a dispute of the payment, which its end may still turn. Where the message does not name the
 * payment, the resource is taken for it, as the older API sends it.
 */
export function reversalFacts(message: Message): Saying {
  const own = resourceId(message);
  const transactionId = paymentOf(message.resource) ?? own;
  if (transactionId === undefined) return unreadable("id", "The reversal has no id.");
  const amount = moneyOf(message.resource["amount"]);
  // By the event's time: the resource may still carry that of the sale.
  return said(message, { kind: "dispute_opened", transactionId, ...(amount && { amount }) }, message.at);
}

function said(message: Message, body: FactBody, at: number | undefined): Saying {
  const { resource } = message;
  const related = object(object(resource["supplementary_data"])["related_ids"]);
  const fact: Fact = {
    ...body,
    // The event's id is the same on every repeat, and each part of a reversal has its own.
    identity: identityOf(
      body.kind,
      body.kind === "refund" ? [body.transactionId] : [resourceId(message) ?? "", message.id],
    ),
    productId: wholeOrder,
    ...happened(at),
  };
  const names = [resource["id"], resource["sale_id"], resource["parent_payment"], resource["billing_agreement_id"]];
  const others = [
    related["capture_id"],
    related["order_id"],
    paymentOf(resource),
    linkedId(list(resource["links"]), "orders"),
  ];
  return { ok: true, aliases: [...names, ...others].map(id), facts: [fact] };
}

function paymentOf(resource: Values): string | undefined {
  const related = object(object(resource["supplementary_data"])["related_ids"]);
  const links = list(resource["links"]);
  return id(related["capture_id"]) ?? id(resource["sale_id"]) ?? linkedId(links, "captures") ?? linkedId(links, "sale");
}
