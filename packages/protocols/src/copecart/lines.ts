import { type Currency, type Money, parseMinor } from "../domain/money.ts";
import { blank, id, isObject, isTrue, label, type Unreadable, unreadable, type Values } from "../values.ts";

/** What one product has of a transaction. */
export type Line = { readonly productId: string; readonly productName?: string; readonly amount: Money };

/**
 * Splits the money of a message by product: the message's own product first, then the add-ons that share
 * its transaction. Amounts are absolute; the event gives the direction.
 *
 * Several messages of one transaction must split it alike, whichever comes first. So what no product of
 * the list accounts for (shipping) goes to the list's main product, not to the message's own.
 * @returns no line where the message carries no amount at all; unreadable_amount
 * Source: CopeCart "IPN" 1.6.7, transaction_amount_per_product; which form add-ons take is not documented
 */
export function linesOf(
  values: Values,
  productId: string,
  currency: Currency,
): { readonly ok: true; readonly lines: readonly Line[] } | Unreadable {
  const whole = amountOf(values, "transaction_amount", currency);
  const item = amountOf(values, "line_item_amount", currency);
  const freight = amountOf(values, "shipping_price", currency);
  const shipping = freight === "malformed" ? undefined : freight;
  const entries = entriesOf(values["transaction_amount_per_product"], productId, currency);
  if (whole === "malformed" || item === "malformed" || entries === "malformed") {
    return unreadable("amount", "An amount of this message cannot be read as a decimal such as 119.0.");
  }
  const own = entries.find((entry) => entry.productId === productId);
  const others = entries.filter((entry) => entry !== own);

  if (own && others.length === 0)
    return lines([{ ...own, minor: alone(whole, own.minor, shipping ?? (item === undefined ? undefined : 0n)) }]);
  if (!own) {
    const minor = whole === undefined || item === undefined ? (whole ?? item) : alone(whole, item, shipping ?? 0n);
    if (minor === undefined) return lines([]);
    const main = { productId, minor };
    // A list that does not name the product and does not fit into the transaction beside it means something else.
    return lines(whole !== undefined && sum(others) + minor <= whole ? [main, ...others] : [main]);
  }
  const rest = whole === undefined ? 0n : whole - sum(entries);
  // More than the transaction: the list tells of other transactions too, and those send messages of their own.
  if (rest < -BigInt(entries.length)) return lines([{ ...own, minor: least(own.minor, whole) }]);
  const carrier = entries.reduce((best, entry) => (carriesRest(entry, best) ? entry : best));
  const shared = entries.map((entry) =>
    entry === carrier && rest > 0n ? { ...entry, minor: entry.minor + rest } : entry,
  );
  return lines(shared.toSorted((a, b) => Number(b.productId === productId) - Number(a.productId === productId)));

  function lines(split: readonly Split[]) {
    return {
      ok: true as const,
      lines: split.map(({ productId, productName, minor }) => ({
        productId,
        ...(productName && { productName }),
        amount: { minor, currency },
      })),
    };
  }
}

type Split = { readonly productId: string; readonly productName?: string; readonly minor: bigint };
type Entry = Split & { readonly addon: boolean };

/**
 * A line that the message speaks of alone. The whole transaction belongs to it when shipping explains the
 * difference, or when nothing tells of others; it is never more than the transaction.
 */
function alone(whole: bigint | undefined, part: bigint, shipping: bigint | undefined): bigint {
  if (whole === undefined) return part;
  return shipping === undefined || part + shipping === whole ? whole : least(part, whole);
}

function least(a: bigint, b: bigint | undefined): bigint {
  return b !== undefined && b < a ? b : a;
}

function sum(entries: readonly Split[]): bigint {
  return entries.reduce((total, { minor }) => total + minor, 0n);
}

/** Decided by the entries alone, never by their order or by whose message it is. */
function carriesRest(entry: Entry, best: Entry): boolean {
  if (entry.addon !== best.addon) return best.addon;
  if (entry.minor !== best.minor) return entry.minor > best.minor;
  return entry.productId < best.productId;
}

function amountOf(values: Values, name: string, currency: Currency): bigint | undefined | "malformed" {
  if (blank(values[name])) return undefined;
  const minor = parseMinor(values[name], currency);
  if (minor === undefined) return "malformed";
  return minor < 0n ? -minor : minor;
}

/** Entries of the same product are one; an entry without a product belongs to the message's own. */
function entriesOf(list: unknown, productId: string, currency: Currency): readonly Entry[] | "malformed" {
  if (blank(list)) return [];
  if (!Array.isArray(list) || list.length > mostEntries) return "malformed";
  const entries = new Map<string, Entry>();
  for (const value of list) {
    if (!isObject(value)) return "malformed";
    const product = blank(value["slug"]) ? productId : id(value["slug"]);
    const minor = amountOf(value, "amount", currency);
    if (product === undefined || minor === undefined || minor === "malformed") return "malformed";
    const before = entries.get(product);
    const productName = before?.productName ?? label(value["name"]);
    entries.set(product, {
      productId: product,
      ...(productName && { productName }),
      minor: minor + (before?.minor ?? 0n),
      addon: isTrue(value["is_addon"]) && (before?.addon ?? true),
    });
  }
  return [...entries.values()];
}

const mostEntries = 200;
