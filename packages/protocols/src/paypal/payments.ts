import { id, unreadable } from "../values.ts";
import type { Instant } from "../domain/day.ts";
import { type Buyer, type Fact, wholeOrder } from "../domain/fact.ts";
import type { Currency, Money } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import { fetched, orderOfCapture } from "./api.ts";
import { buyerOf, capturesOf, orderBuyer, orderLines, paymentLines } from "./purchase.ts";
import { list, moneyOf, object, text } from "./resource.ts";
import { happened, instantOf, type Message, resourceId, type Saying } from "./said.ts";
import { subscriptionSale } from "./subscriptions.ts";
import { type Line, split } from "./split.ts";

type MoneyKind = "payment" | "payment_pending" | "payment_failed";

/**
 * A capture names neither buyer nor product: those are the order's, which was fetched with the app's client id and secret.
 * Without these, `CHECKOUT.ORDER.COMPLETED` tells of the same payment under the same identity, so the seller has it sent
 * instead. Money of which nobody can say whose it is waits for the operator and is not lost.
 * @returns unreadable_order, unreadable_amount, unreadable_buyer, unreadable_id
 * Source: PayPal "Payments v2", capture
 */
export function captureFacts(kind: MoneyKind, message: Message): Saying {
  const { resource, known, at } = message;
  const captureId = resourceId(message);
  if (captureId === undefined) return unreadable("id", "The capture has no id.");
  const orderId = orderOfCapture(resource);
  const order = fetched(known, (value) => "purchase_units" in value && id(value["id"]) === orderId);
  const amount = moneyOf(resource["amount"]);
  const when = instantOf(resource["create_time"]) ?? at;
  if (!order || orderId === undefined) {
    if (kind === "payment") return unknownBuyer;
    return { ok: true, aliases: [orderId, captureId], facts: [ofWhole(kind, captureId, amount, when)] };
  }
  if (!amount) return noAmount;
  const buyer = ownBuyer(message, orderBuyer(order, resource["custom_id"]));
  if (!buyer) return unreadable("buyer", "PayPal's order names no address of the buyer.");
  const lines = orderLines(order, captureId, amount.currency);
  return {
    ok: true,
    orderId,
    aliases: [captureId],
    buyer,
    facts: factsOf(kind, captureId, lines, amount, when),
  };
}

/** `CHECKOUT.ORDER.COMPLETED`: every capture inside that is completed is a payment, the same as by its own message. */
export function orderFacts(message: Message): Saying {
  const order = message.resource;
  const orderId = resourceId(message);
  if (orderId === undefined) return unreadable("id", "The order has no id.");
  const captures = list(order["purchase_units"])
    .flatMap(capturesOf)
    .filter((capture) => moneyCame.has(text(capture["status"])));
  const facts: Fact[] = [];
  for (const capture of captures) {
    const captureId = id(capture["id"]);
    const amount = moneyOf(capture["amount"]);
    if (captureId === undefined || !amount) return noAmount;
    const when = instantOf(capture["create_time"]) ?? message.at;
    facts.push(...factsOf("payment", captureId, orderLines(order, captureId, amount.currency), amount, when));
  }
  const aliases = captures.map((capture) => id(capture["id"]));
  if (facts.length === 0) return { ok: true, orderId, aliases, facts };
  const buyer = ownBuyer(message, orderBuyer(order, undefined));
  return buyer
    ? { ok: true, orderId, aliases, buyer, facts }
    : unreadable("buyer", "The order names no address of the buyer.");
}

/** A sale of the older API: a subscription's payment, or that of a payment with its own products. */
export function saleFacts(kind: MoneyKind, message: Message): Saying {
  const { resource, known, at } = message;
  const saleId = resourceId(message);
  if (saleId === undefined) return unreadable("id", "The sale has no id.");
  const amount = moneyOf(resource["amount"]);
  const when = instantOf(resource["create_time"]) ?? at;
  if (kind === "payment" && !amount) return noAmount;
  const subscriptionId = id(resource["billing_agreement_id"]);
  if (subscriptionId !== undefined) return subscriptionSale(kind, message, { saleId, subscriptionId, amount, when });
  const orderId = id(resource["parent_payment"]);
  const payment = fetched(known, (value) => "transactions" in value && id(value["id"]) === orderId);
  if (!payment || orderId === undefined) {
    if (kind === "payment") return unknownBuyer;
    return { ok: true, aliases: [orderId, saleId], facts: [ofWhole(kind, saleId, amount, when)] };
  }
  if (!amount) return noAmount;
  const buyer = ownBuyer(message, buyerOf(object(payment["payer"]), resource["custom"]));
  if (!buyer) return unreadable("buyer", "PayPal's payment names no address of the buyer.");
  const facts = factsOf(kind, saleId, paymentLines(payment, amount.currency), amount, when);
  return { ok: true, orderId, aliases: [saleId], buyer, facts };
}

/** Whoever was taken out of a message is not brought back by what was fetched. */
function ownBuyer({ redacted }: Message, buyer: Buyer | undefined): Buyer | undefined {
  return redacted ? { email: "" } : buyer;
}

/** Said of an order whose products the message does not tell. */
function ofWhole(
  kind: Exclude<MoneyKind, "payment">,
  transactionId: string,
  amount: Money | undefined,
  when: Instant | undefined,
): Fact {
  return {
    ...(kind === "payment_pending" ? { kind, transactionId, ...(amount && { amount }) } : { kind, transactionId }),
    identity: identityOf(kind, [transactionId]),
    productId: wholeOrder,
    ...happened(when),
  };
}

function factsOf(
  kind: MoneyKind,
  transactionId: string,
  lines: readonly Line[],
  { minor, currency }: { minor: bigint; currency: Currency },
  when: Instant | undefined,
): Fact[] {
  return split(lines.length > 0 ? lines : [{ productId: "default", weight: undefined }], minor).map(
    ({ minor, ...product }): Fact => ({
      ...(kind === "payment_failed" ? { kind, transactionId } : { kind, transactionId, amount: { minor, currency } }),
      ...product,
      identity: identityOf(kind, [transactionId, product.productId]),
      plan: { kind: "once" },
      ...happened(when),
    }),
  );
}

/** Of a capture: the money came, whatever went back since. */
const moneyCame = new Set(["COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"]);

const noAmount = unreadable("amount", "The amount of this payment is missing or cannot be read.");

const unknownBuyer = unreadable(
  "order",
  "PayPal does not say here who bought what: enter the app's client_id and client_secret, and it is asked; or have CHECKOUT.ORDER.COMPLETED sent instead of PAYMENT.CAPTURE.COMPLETED.",
);
