import { count, id, label, unreadable, type Unreadable, type Values, word } from "../values.ts";
import type { Instant } from "../domain/day.ts";
import { type Fact, type FactBody, type Plan, wholeOrder } from "../domain/fact.ts";
import { type Money, parseCurrency, parseMinor } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import { type Ids, objectIn } from "./ids.ts";

export type Facts = { readonly ok: true; readonly facts: readonly Fact[] } | Unreadable;

/**
 * What one message says. An event of an unknown name says nothing, and neither do those without an effect:
 * PURCHASE_COMPLETE (the time for refunds is over; it is no sale), PURCHASE_PROTEST (the buyer asks for a refund, which is
 * not yet given), carts, clubs.
 * @param created the envelope's `creation_date`, milliseconds
 * @returns unreadable_transaction, unreadable_product, unreadable_amount, unreadable_currency, unreadable_refund_amount,
 *          unreadable_subscription
 * Source: Hotmart "Webhook 2.0", events
 */
export function factsOf(event: string, payload: Values, ids: Ids, created: unknown): Facts {
  switch (event) {
    case "PURCHASE_APPROVED":
      return purchaseFacts("payment", payload, ids, created);
    case "PURCHASE_BILLET_PRINTED":
      return purchaseFacts("payment_pending", payload, ids, created);
    case "PURCHASE_CANCELED":
    case "PURCHASE_EXPIRED":
    case "PURCHASE_DELAYED":
      return purchaseFacts("payment_failed", payload, ids, created);
    case "PURCHASE_REFUNDED":
      return purchaseFacts("refund", payload, ids, created);
    case "PURCHASE_CHARGEBACK":
      return purchaseFacts("dispute_opened", payload, ids, created);
    case "SUBSCRIPTION_CANCELLATION":
      return cancelledFacts(payload, ids, created);
    default:
      return { ok: true, facts: [] };
  }
}

type Kind = "payment" | "payment_pending" | "payment_failed" | "refund" | "dispute_opened";

function purchaseFacts(kind: Kind, payload: Values, { transaction }: Ids, created: unknown): Facts {
  const purchase = objectIn(payload, "purchase");
  if (transaction === undefined)
    return unreadable("transaction", "The field purchase.transaction is missing or cannot be read.");
  const product = productOf(payload);
  // What a payment was for is always told. A refund is that of its transaction, whatever it was for.
  if (!product && (kind === "payment" || kind === "payment_pending"))
    return unreadable("product", "The field product.id is missing or cannot be read.");
  if (kind === "refund" && word(purchase["status"]) === "partially_refunded")
    return unreadable(
      "refund_amount",
      "A part of this purchase was given back, and the message does not say how much: look it up at Hotmart.",
    );
  const money = priceOf(purchase);
  const body = bodyOf(kind, transaction, money.ok ? money.amount : undefined, purchase);
  if (!body) return money.ok ? { ok: true, facts: [] } : money;
  const happenedAt = (kind === "payment" ? instant(purchase["approved_date"]) : undefined) ?? instant(created);
  const plan = planOf(kind, payload);
  const fact: Fact = {
    ...body,
    identity: identityOf(kind, [transaction, product?.productId ?? wholeOrder]),
    ...(product ?? { productId: wholeOrder }),
    ...(happenedAt !== undefined && { happenedAt }),
    ...(plan && { plan }),
  };
  return { ok: true, facts: [fact] };
}

/** @returns undefined for a payment or a refund without an amount */
function bodyOf(kind: Kind, transactionId: string, amount: Money | undefined, purchase: Values): FactBody | undefined {
  const number = count(purchase["recurrence_number"]);
  const rate = number ? { rate: number } : {};
  const next = instant(purchase["date_next_charge"]);
  switch (kind) {
    case "payment":
      return amount && { kind, transactionId, amount, ...rate, ...(next !== undefined && { next: { at: next } }) };
    case "refund":
      return amount && { kind, transactionId, amount, refunds: transactionId, ...rate };
    case "payment_pending":
    case "dispute_opened":
      return { kind, transactionId, ...(amount && { amount }), ...rate };
    case "payment_failed":
      return { kind, transactionId, ...rate };
    default:
      return kind satisfies never;
  }
}

/** The end of what was paid is the day of the charge that no longer comes. */
function cancelledFacts(payload: Values, { order }: Ids, created: unknown): Facts {
  if (order === undefined)
    return unreadable("subscription", "The message does not say which subscription was cancelled (subscriber.code).");
  const subscription = objectIn(payload, "subscription");
  const places = [payload, subscription, objectIn(payload, "purchase")];
  const end = places.map((values) => instant(values["date_next_charge"])).find((at) => at !== undefined);
  const happenedAt = instant(payload["cancellation_date"]) ?? instant(created);
  const product = productOf(payload) ?? { productId: wholeOrder };
  const time = end ?? happenedAt;
  const fact: Fact = {
    kind: "cancelled",
    ...(end !== undefined && { for: { at: end } }),
    chosenByVendor: word(subscription["status"]) === "cancelled_by_seller",
    identity: identityOf("cancelled", [
      order,
      product.productId,
      time === undefined ? "" : new Date(time).toISOString(),
    ]),
    ...product,
    ...(happenedAt !== undefined && { happenedAt }),
    plan: { kind: "subscription" },
  };
  return { ok: true, facts: [fact] };
}

function productOf(payload: Values): Pick<Fact, "productId" | "productName"> | undefined {
  const product = objectIn(payload, "product");
  const productId = id(product["id"]) ?? id(product["ucode"]);
  const productName = label(product["name"]);
  return productId === undefined ? undefined : { productId, ...(productName && { productName }) };
}

/** What the buyer pays. `full_price` and the shares of `commissions` are other sums. */
function priceOf(purchase: Values): { readonly ok: true; readonly amount: Money } | Unreadable {
  const price = objectIn(purchase, "price");
  const currency = parseCurrency(price["currency_value"]);
  if (!currency)
    return unreadable("currency", "The currency of the price (price.currency_value) is missing or unknown.");
  const minor = parseMinor(price["value"], currency);
  return minor === undefined || minor < 0n
    ? unreadable("amount", "The price (price.value) is missing or cannot be read.")
    : { ok: true, amount: { minor, currency } };
}

/**
 * `installments_number` is between the buyer and the bank: the seller gets one payment, and it is no plan. That nothing
 * repeats is only a sale's word.
 */
function planOf(kind: Kind, payload: Values): Plan | undefined {
  if (Object.keys(objectIn(payload, "subscription")).length > 0) return { kind: "subscription" };
  return kind === "payment" || kind === "payment_pending" ? { kind: "once" } : undefined;
}

/** Milliseconds since 1970, as a number or as text; nothing before 1970 or after 9999. */
function instant(value: unknown): Instant | undefined {
  const at = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof at === "number" && Number.isSafeInteger(at) && at > 0 && at < 253_402_300_800_000 ? at : undefined;
}
