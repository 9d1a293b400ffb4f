import { type Currency, type Money, parseCurrency, parseMinor } from "../domain/money.ts";
import { count, id, isObject, label, type Values } from "../values.ts";
import { metadataOf } from "./metadata.ts";

/** One product of a payment, and its part of the money. */
export type Line = {
  readonly productId: string;
  readonly productName?: string;
  readonly quantity?: number;
  readonly amount: Money;
};

/**
 * The products of a payment: `product_id` of the seller's metadata; else the SKUs of its lines, where every line that
 * sells something has one; else the description, which Mollie requires. Discounts and shipping are borne by all lines
 * in proportion, so that the lines make up the payment.
 * @returns undefined where an amount cannot be read
 * Source: Mollie Payments API v2, metadata, lines, description
 */
export function linesOf(payment: Values): readonly Line[] | undefined {
  const whole = moneyOf(payment["amount"]);
  if (!whole) return undefined;
  const own = metadataOf(payment);
  const productId = id(own["product_id"]);
  const description = label(payment["description"], 255);
  const name = label(own["product_name"]) ?? description;
  const quantity = count(own["quantity"]);
  const single = {
    productId: productId ?? description ?? "payment",
    ...(name && { productName: name }),
    ...(quantity !== undefined && { quantity }),
    amount: whole,
  };
  const lines = productId === undefined ? skus(payment["lines"], whole.currency) : [];
  const total = lines.reduce((sum, { minor }) => sum + minor, 0n);
  if (lines.length === 0 || total <= 0n) return [single];
  let [soFar, given] = [0n, 0n];
  return lines.map(({ minor, ...line }) => {
    soFar += minor;
    const part = (whole.minor * soFar) / total - given;
    given += part;
    return { ...line, amount: { minor: part, currency: whole.currency } };
  });
}

/** Decimal text in major units, as Mollie writes all amounts; without a sign. */
export function moneyOf(value: unknown): Money | undefined {
  if (!isObject(value)) return undefined;
  const currency = parseCurrency(value["currency"]);
  const minor = currency && parseMinor(value["value"], currency);
  return currency && minor !== undefined ? { minor: minor < 0n ? -minor : minor, currency } : undefined;
}

type Sold = Omit<Line, "amount"> & { readonly minor: bigint };

/** Lines of one SKU are one. Empty where a line that sells something has none: then nobody knows its product. */
function skus(list: unknown, currency: Currency): readonly Sold[] {
  if (!Array.isArray(list) || list.length > mostLines) return [];
  const sold = new Map<string, Sold>();
  for (const line of list) {
    if (!isObject(line)) return [];
    if (typeof line["type"] === "string" && !goods.has(line["type"])) continue;
    const productId = id(line["sku"]);
    const amount = isObject(line["totalAmount"]) ? parseMinor(line["totalAmount"]["value"], currency) : undefined;
    if (productId === undefined || amount === undefined || amount < 0n) return [];
    const before = sold.get(productId);
    const productName = before?.productName ?? label(line["description"]);
    const quantity = (before?.quantity ?? 0) + (count(line["quantity"]) ?? 1);
    sold.set(productId, {
      productId,
      ...(productName && { productName }),
      quantity,
      minor: amount + (before?.minor ?? 0n),
    });
  }
  return [...sold.values()];
}

/** Lines of other types change what is paid, and are no products. */
const goods = new Set(["physical", "digital"]);
const mostLines = 200;
