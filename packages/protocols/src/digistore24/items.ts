import { wholeOrder } from "../domain/fact.ts";
import { type Currency, type Money, parseCurrency, parseMinor } from "../domain/money.ts";
import { count, id, label, text, type Unreadable, unreadable, type Values } from "./read.ts";

/** A product a call speaks of. */
export type Item = {
  /** `wholeOrder` where the call does not tell */
  readonly productId: string;
  /** tells the same product bought twice in an order apart */
  readonly itemId?: string;
  readonly productName?: string;
  readonly quantity?: number;
  /** it came with another product in one call, and the terms of the plan are not said of it */
  readonly besides: boolean;
};

/** An item with its part of the money. */
export type Line = Item & { readonly amount: Money };

/** One call tells of one item; where a connection groups by upsells, the further ones are numbered from `_2`. */
export function itemsOf(values: Values): readonly [Item, ...Item[]] {
  const main = itemOf(values, "") ?? { productId: wholeOrder, besides: false };
  const others: Item[] = [];
  for (let n = 2; n <= mostItems; n += 1) {
    const item = itemOf(values, `_${n}`);
    if (!item) break;
    others.push(item);
  }
  return [main, ...others];
}

/**
 * The money of a call by item, without its sign: which way it went is told by the event.
 * @returns no line where the call names no amount; unreadable_amount, unreadable_currency
 * Source: Digistore24 "IPN", transaction_amount; the sign of refunds is not documented
 */
export function linesOf(
  values: Values,
  items: readonly [Item, ...Item[]],
): { readonly ok: true; readonly lines: readonly Line[] } | Unreadable {
  const told = text(values, "transaction_amount", "amount_brutto");
  if (told === "") return { ok: true, lines: [] };
  // A connection may have prices converted: each amount has a currency of its own.
  const ofTransaction = text(values, "transaction_amount") !== "";
  const names = ofTransaction ? ["transaction_currency", "currency"] : ["currency", "transaction_currency"];
  const currency = parseCurrency(text(values, ...names));
  if (!currency)
    return unreadable("currency", "The currency of this message (transaction_currency) is missing or unknown.");
  const whole = absolute(told, currency);
  if (whole === undefined)
    return unreadable("amount", "The amount of this message (transaction_amount) is no decimal such as 29.00.");
  const [main, ...others] = items;
  const besides = partsOf(values, others, whole, currency);
  const rest = besides.reduce((left, { amount }) => left - amount.minor, whole);
  return { ok: true, lines: [{ ...main, amount: { minor: rest, currency } }, ...besides] };
}

function itemOf(values: Values, suffix: string): Item | undefined {
  const productId = id(text(values, `product_id${suffix}`));
  if (productId === undefined) return undefined;
  const itemId = id(text(values, `order_item_id${suffix}`), 60);
  const productName = label(text(values, `product_name${suffix}`));
  const quantity = count(text(values, `quantity${suffix}`));
  return {
    productId,
    ...(itemId && { itemId }),
    ...(productName && { productName }),
    ...(quantity && { quantity }),
    besides: suffix !== "",
  };
}

/**
 * What the further products have of the transaction. One without a part was not paid for in this call; and where the
 * parts are more than the whole, the call tells of other transactions too, and those have calls of their own.
 */
function partsOf(values: Values, others: readonly Item[], whole: bigint, currency: Currency): readonly Line[] {
  const part = (suffix: string) => absolute(text(values, `product_txn_amount${suffix}`), currency) ?? 0n;
  const lines = others.map((item, n) => ({ ...item, amount: { minor: part(`_${n + 2}`), currency } }));
  const sum = lines.reduce((sum, { amount }) => sum + amount.minor, part(""));
  return sum <= whole ? lines.filter(({ amount }) => amount.minor > 0n) : [];
}

function absolute(text: string, currency: Currency): bigint | undefined {
  const minor = parseMinor(text, currency);
  return minor !== undefined && minor < 0n ? -minor : minor;
}

const mostItems = 100;
