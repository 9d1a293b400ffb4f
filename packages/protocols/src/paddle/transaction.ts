import { id, label, unreadable, type Unreadable, type Values, word } from "../values.ts";
import { type Instant, parseInstant, type When } from "../domain/day.ts";
import type { Fact, Plan } from "../domain/fact.ts";
import { type Currency, parseCurrency } from "../domain/money.ts";
import { identityOf } from "../identity.ts";
import { type Message, planOf, type Says } from "./message.ts";
import { inside, minorOf, objects } from "../objects.ts";

/**
 * What a transaction says. `transaction.paid` comes a moment before `transaction.completed` and tells the same money.
 * All transactions of a subscription are one order under the subscription's id; the first may come before that is
 * known, and is tied to it by its own.
 * - product: `items[].price.product_id`, else the price's id; `unnamed` where the message has no items
 * - amount: `details.totals.grand_total` (what is due after credits), else `total`; among several products in
 *   proportion to their lines
 * - a subscription's next payment is due when the billing period ends
 * - nothing: over 0 at the start of a trial, with a plan that changed for free, or for a change of payment method
 * - a failed payment counts for renewals alone: at a first purchase nothing was given yet
 * @returns unreadable_amount, unreadable_currency
 */
export function transactionSays(message: Message): Says {
  const { data } = message;
  const subscription = id(data["subscription_id"]);
  const names = subscription ? { orderId: subscription, aliases: [message.id] } : { orderId: message.id };
  const facts = factsOf(message);
  return "ok" in facts ? facts : { ...names, facts };
}

/** The product of a transaction without items. */
export const unnamedProduct = "unnamed";

function factsOf(message: Message): readonly Fact[] | Unreadable {
  const origin = word(message.data["origin"]);
  if (origin === "subscription_payment_method_change") return [];
  switch (message.event) {
    case "transaction.completed":
    case "transaction.paid":
      return paymentsOf(message, origin);
    case "transaction.payment_failed":
      return origin === "subscription_recurring" ? failuresOf(message) : [];
    default:
      return [];
  }
}

function paymentsOf(message: Message, origin: string): readonly Fact[] | Unreadable {
  const { data } = message;
  const totals = inside(data, "details", "totals");
  const currency = parseCurrency(data["currency_code"]) ?? parseCurrency(totals["currency_code"]);
  if (!currency) return unreadable("currency", "The currency (data.currency_code) is missing or unknown.");
  const lines = linesOf(data);
  const total = minorOf(totals["grand_total"]) ?? minorOf(totals["total"]);
  if (total === undefined || total < 0n)
    return unreadable("amount", "The amount (data.details.totals.total) is missing or is no whole number.");
  if (total === 0n && origin === "subscription_update") return [];
  const first = !origin.startsWith("subscription_");
  const bought = lines.filter((line) => !(first && line.trial && line.weight === 0n && freeOf(line, total)));
  const happenedAt = paidAt(message);
  return shared(bought, total, currency).map(({ line, amount }) => ({
    kind: "payment",
    transactionId: message.id,
    amount,
    ...(line.next && { next: line.next }),
    identity: identityOf("payment", [message.id, line.productId]),
    ...commonOf(line),
    ...(happenedAt !== undefined && { happenedAt }),
  }));
}

/** Where lines tell no money of their own, the whole does. */
function freeOf(line: Line, total: bigint): boolean {
  return line.weighed || total === 0n;
}

function failuresOf(message: Message): readonly Fact[] {
  const happenedAt = parseInstant(message.data["billed_at"], "UTC") ?? message.occurredAt;
  return linesOf(message.data).map((line) => ({
    kind: "payment_failed",
    transactionId: message.id,
    identity: identityOf("payment_failed", [message.id, line.productId]),
    ...commonOf(line),
    ...(happenedAt !== undefined && { happenedAt }),
  }));
}

/** The same for both messages that tell of one payment, so that it does not matter which comes first. */
function paidAt({ data, occurredAt }: Message): Instant | undefined {
  const captured = objects(data["payments"]).flatMap((payment) => parseInstant(payment["captured_at"], "UTC") ?? []);
  return captured[0] ?? parseInstant(data["billed_at"], "UTC") ?? occurredAt;
}

type Line = {
  readonly productId: string;
  readonly productName?: string;
  readonly plan?: Plan;
  readonly quantity?: number;
  readonly next?: When;
  /** of the transaction's money */
  readonly weight: bigint;
  /** the message tells it */
  readonly weighed: boolean;
  readonly trial: boolean;
};

function commonOf({ productId, productName, plan, quantity }: Line) {
  return { productId, ...(productName && { productName }), ...(plan && { plan }), ...(quantity && { quantity }) };
}

/** One for every product; two prices of one product are one line. */
function linesOf(data: Values): readonly Line[] {
  const details = objects(inside(data, "details")["line_items"]);
  const items = objects(data["items"]);
  const period = inside(data, "billing_period");
  const lines = items.length > 0 ? items.map((item, n) => lineOf(item, detailOf(item, n))) : details.map(lineAlone);
  if (lines.length === 0) return [{ productId: unnamedProduct, weight: 0n, weighed: false, trial: false }];
  const byProduct = new Map<string, Line>();
  for (const line of lines) {
    const same = byProduct.get(line.productId);
    byProduct.set(line.productId, same ? joined(same, line) : line);
  }
  return [...byProduct.values()];

  function detailOf(item: Values, n: number): Values {
    const price = priceIdOf(item);
    const there = details[n];
    if (there?.["price_id"] === price) return there ?? {};
    return details.find((detail) => detail["price_id"] === price) ?? {};
  }

  function lineAlone(detail: Values): Line {
    return lineOf({ price: { id: detail["price_id"] }, quantity: detail["quantity"] }, detail);
  }

  function lineOf(item: Values, detail: Values): Line {
    const price = inside(item, "price");
    const product = inside(detail, "product");
    const productId = id(price["product_id"]) ?? id(product["id"]) ?? id(priceIdOf(item)) ?? unnamedProduct;
    const productName = label(product["name"]) ?? label(price["name"]) ?? label(price["description"]);
    const plan = "billing_cycle" in price ? planOf(price) : undefined;
    const quantity = item["quantity"];
    const prorated = inside(detail, "proration", "billing_period");
    const end = parseInstant(prorated["ends_at"], "UTC") ?? parseInstant(period["ends_at"], "UTC");
    const weight = minorOf(inside(detail, "totals")["total"]);
    const listed = minorOf(inside(price, "unit_price")["amount"]);
    const places =
      typeof quantity === "number" && Number.isSafeInteger(quantity) && quantity > 0 ? quantity : undefined;
    const known = weight ?? (listed === undefined ? undefined : listed * BigInt(places ?? 1));
    return {
      productId,
      ...(productName && { productName }),
      ...(plan && { plan }),
      ...(places !== undefined && places <= 999_999_999 && { quantity: places }),
      ...(plan?.kind === "subscription" && end !== undefined && { next: { at: end } }),
      weight: known !== undefined && known > 0n ? known : 0n,
      weighed: weight !== undefined,
      trial: Object.keys(inside(price, "trial_period")).length > 0,
    };
  }
}

function priceIdOf(item: Values): unknown {
  return inside(item, "price")["id"] ?? item["price_id"];
}

function joined(one: Line, other: Line): Line {
  const main = one.plan?.kind === "subscription" ? one : other;
  const quantity = (one.quantity ?? 0) + (other.quantity ?? 0);
  return {
    ...main,
    ...(quantity > 0 && { quantity }),
    weight: one.weight + other.weight,
    weighed: one.weighed && other.weighed,
    trial: one.trial && other.trial,
  };
}

/** In proportion to the lines; what remains of the rounding falls where the running sum says. */
function shared(lines: readonly Line[], total: bigint, currency: Currency) {
  const weighed = lines.some(({ weight }) => weight > 0n);
  const weightOf = (line: Line) => (weighed ? line.weight : 1n);
  const sum = lines.reduce((all, line) => all + weightOf(line), 0n);
  let [weightSoFar, minorSoFar] = [0n, 0n];
  return lines.map((line) => {
    weightSoFar += weightOf(line);
    const minor = (total * weightSoFar) / sum - minorSoFar;
    minorSoFar += minor;
    return { line, amount: { minor, currency } };
  });
}
