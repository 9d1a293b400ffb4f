import { id, label, unreadable, type Unreadable, type Values } from "../values.ts";
import { type Instant, parseInstant } from "../domain/day.ts";
import { type Fact, type Reading, wholeOrder } from "../domain/fact.ts";
import { type Money, parseCurrency } from "../domain/money.ts";
import { minorOf } from "../objects.ts";
import type { Known } from "../protocol.ts";

/** One message as it is read on. */
export type Message = {
  readonly event: string;
  /** of the object, a number; orders, subscriptions and invoices each count for themselves */
  readonly id: string;
  readonly attributes: Values;
  readonly known?: Known;
};

/** What an object says. */
export type Says = Pick<Reading, "orderId" | "aliases" | "facts">;

/** The name of a subscription among the names of an order. */
export function subscriptionAlias(subscription: string): string {
  return `subscriptions:${subscription}`;
}

/** @returns {} where there is none */
export function happened({ attributes }: Pick<Message, "attributes">, ...names: readonly string[]) {
  const at = names.map((name) => instantOf(attributes[name])).find((one) => one !== undefined);
  return at === undefined ? {} : { happenedAt: at };
}

export function instantOf(value: unknown): Instant | undefined {
  return parseInstant(value, "UTC");
}

/**
 * The variant: it is what is sold, and its tiers are what differs in access. A product without variants has one, too.
 * @param values of an order's item or a subscription; undefined: not known, then it is said of the order as a whole
 */
export function productOf(values: Values | undefined): Pick<Fact, "productId" | "productName"> {
  const productId = id(values?.["variant_id"]) ?? id(values?.["product_id"]) ?? wholeOrder;
  const product = label(values?.["product_name"]);
  const variant = label(values?.["variant_name"]);
  const productName = product && variant && variant !== "Default" ? `${product}: ${variant}` : product;
  return { productId, ...(productName && { productName }) };
}

/** @returns unreadable_amount, unreadable_currency */
export function totalOf({ attributes }: Pick<Message, "attributes">): Money | Unreadable {
  const currency = parseCurrency(attributes["currency"]);
  if (!currency) return unreadable("currency", "The currency (data.attributes.currency) is missing or unknown.");
  const minor = minorOf(attributes["total"]);
  if (minor === undefined || minor < 0n)
    return unreadable("amount", "The amount (data.attributes.total) is missing or is no whole number.");
  return { minor, currency };
}

/**
 * What was given back so far: the messages tell the sum of all refunds, not the one they are sent for. The whole is a
 * fact of its own beside the first part; a second part is another word on the first, and is flagged.
 * @returns unreadable_amount, unreadable_currency
 */
export function givenBack(message: Message): { readonly amount: Money; readonly full: boolean } | Unreadable {
  const total = totalOf(message);
  if ("ok" in total) return total;
  const { attributes } = message;
  const sum = minorOf(attributes["refunded_amount"]);
  const full = attributes["status"] === "refunded" || (sum !== undefined && sum >= total.minor);
  if (full) return { amount: total, full };
  if (sum !== undefined && sum > 0n) return { amount: { minor: sum, currency: total.currency }, full };
  if (attributes["refunded"] === true && attributes["status"] !== "partial_refund")
    return { amount: total, full: true };
  return unreadable("amount", "How much was given back (data.attributes.refunded_amount) cannot be read.");
}
