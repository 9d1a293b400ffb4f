import { count, id, isObject, label, unreadable, type Unreadable, type Values } from "../values.ts";
import { type Currency, parseCurrency } from "../domain/money.ts";
import { first, lineSubscription, objectIn } from "./ids.ts";

/** One product of a message. */
export type Line = {
  readonly productId: string;
  readonly productName?: string;
  readonly quantity?: number;
  readonly subscription?: string;
  /** absent where the line names no amount */
  readonly minor?: bigint;
};

/**
 * The products a message lists, each once: an order may hold two lines of the same one.
 * @returns no lines where there is no list; unreadable_product, unreadable_amount
 * Source: docs.cope.com, cart.order.completed: `line_items[].product.uuid`, `line_items[].amounts.gross_cents`
 */
export function linesOf(payload: Values): { readonly ok: true; readonly lines: readonly Line[] } | Unreadable {
  const list: unknown = payload["line_items"];
  const lines = new Map<string, Line>();
  for (const entry of Array.isArray(list) ? list : []) {
    const line = isObject(entry) ? entry : {};
    const productId = productOf(line);
    if (productId === undefined)
      return unreadable("product", "A line of this message names no product that can be read.");
    const stated = [objectIn(line, "amounts")["gross_cents"], line["gross_cents"], line["amount_cents"]];
    const minor = cents(stated.find((value) => value !== undefined && value !== null));
    if (minor === "unreadable") return unreadable("amount", "The amount of a line is not a whole number of cents.");
    lines.set(
      productId,
      merged(lines.get(productId), { productId, ...detailsOf(line), ...(minor !== undefined && { minor }) }),
    );
  }
  return { ok: true, lines: [...lines.values()] };
}

/**
 * An amount in minor units, without its sign. COPE's catalogue gives the same ending `_cents` to decimals such as
 * "24.99"; here they are not amounts.
 * @returns undefined where there is nothing
 */
export function cents(value: unknown): bigint | undefined | "unreadable" {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === "string" && /^-?\d{1,15}$/.test(text) ? BigInt(text.replace("-", "")) : "unreadable";
}

/** The currency beside the amounts, from the narrowest place that names one. */
export function currencyOf(payload: Values): Currency | undefined {
  const lines: unknown = payload["line_items"];
  const line: unknown = Array.isArray(lines) ? lines[0] : undefined;
  const places = ["dispute", "refund", "chargeback", "payment", "totals", "order"].map((name) =>
    objectIn(payload, name),
  );
  const inLine = isObject(line) ? [line, objectIn(line, "amounts")] : [];
  return [payload, ...places, ...inLine]
    .map((values) => parseCurrency(values["currency"]))
    .find((currency) => currency !== undefined);
}

/**
 * An amount over several products in proportion to what each costs, to the last cent.
 * @param weights one for each product; where all are nothing, all count the same
 */
export function shareOut(minor: bigint, weights: readonly bigint[]): bigint[] {
  const known = weights.reduce((sum, weight) => sum + weight, 0n);
  const used = known === 0n ? weights.map(() => 1n) : weights;
  const total = known === 0n ? BigInt(weights.length) : known;
  let [weightSoFar, minorSoFar] = [0n, 0n];
  return used.map((weight) => {
    weightSoFar += weight;
    const part = (minor * weightSoFar) / total - minorSoFar;
    minorSoFar += part;
    return part;
  });
}

function productOf(line: Values): string | undefined {
  return (
    first(objectIn(line, "product"), ["uuid", "product_uuid", "id", "product_id"]) ??
    first(line, ["product_uuid", "product_id"]) ??
    id(line["product"])
  );
}

function detailsOf(line: Values): Omit<Line, "productId" | "minor"> {
  const product = objectIn(line, "product");
  const productName = [product["name"], product["title"], line["name"], line["title"]]
    .map((name) => label(name))
    .find((name) => name !== undefined);
  const quantity = count(line["quantity"]);
  const subscription = lineSubscription(line);
  return {
    ...(productName !== undefined && { productName }),
    ...(quantity !== undefined && { quantity }),
    ...(subscription !== undefined && { subscription }),
  };
}

function merged(known: Line | undefined, line: Line): Line {
  if (!known) return line;
  const quantity = (known.quantity ?? 1) + (line.quantity ?? 1);
  const { minor: _, ...rest } = { ...line, ...known };
  const both = known.minor !== undefined && line.minor !== undefined;
  return { ...rest, quantity, ...(both && { minor: (known.minor ?? 0n) + (line.minor ?? 0n) }) };
}
