import { count, label, type Values } from "../values.ts";
import type { Instant, Interval } from "../domain/day.ts";
import { unitsOf } from "./amounts.ts";
import { instantOf, listIn, objectIn, refIn } from "./event.ts";
import { namedProduct, type Part, productOf } from "./product.ts";

/** What one product has of an invoice. */
export type Share = Part & {
  /** charged again and again, not once beside it */
  readonly recurring: boolean;
  readonly interval?: Interval;
  /** end of what is paid for; absent for usage, which is charged when it is over */
  readonly until?: Instant;
  /** nothing is charged because the plan is being tried */
  readonly trial?: { readonly from: Instant; readonly to: Instant };
};

/**
 * What an invoice is for, each product once. A product whose lines come to less than nothing (the rest of a plan that was
 * changed) is left out: its money went into the others.
 * @param own the product of lines that name none
 */
export function sharesOf(invoice: Values, own: string, paidAt: Instant | undefined): readonly Share[] {
  const byProduct = new Map<string, Line[]>();
  for (const values of listIn(invoice, "lines")) {
    const line = lineOf(values, own, subscriptionOf(invoice) !== undefined);
    byProduct.set(line.productId, [...(byProduct.get(line.productId) ?? []), line]);
  }
  const reason = invoice["billing_reason"];
  const begins = reason === "subscription_create" || reason === "subscription_update";
  return [...byProduct.values()].flatMap((lines) => shareOf(lines, begins, paidAt) ?? []);
}

/** Before basil `subscription`, since then below `parent`; in between invoices some lines alone name it. */
export function subscriptionOf(invoice: Values): string | undefined {
  const parent = objectIn(objectIn(invoice, "parent"), "subscription_details");
  const own = refIn(invoice, "subscription") ?? refIn(parent, "subscription");
  if (own !== undefined) return own;
  for (const line of listIn(invoice, "lines")) {
    const found = refIn(line, "subscription") ?? refIn(lineParent(line), "subscription");
    if (found !== undefined) return found;
  }
  return undefined;
}

type Line = {
  readonly productId: string;
  readonly productName?: string;
  readonly quantity?: number;
  /** before discounts and taxes */
  readonly gross: bigint;
  /** what the buyer bears of it */
  readonly net: bigint;
  readonly recurring: boolean;
  readonly proration: boolean;
  readonly interval?: Interval;
  readonly from?: Instant;
  readonly to?: Instant;
  /** costs nothing at any time, so that it is no trial */
  readonly free: boolean;
};

function lineOf(line: Values, own: string, inSubscription: boolean): Line {
  const product = productOf(line);
  const productName = product?.name ?? nameIn(line["description"]);
  const quantity = count(line["quantity"]);
  const gross = unitsOf(line["amount"]) ?? 0n;
  const period = objectIn(line, "period");
  const [from, to] = [instantOf(period["start"]), instantOf(period["end"])];
  const proration = line["proration"] === true || lineParent(line)["proration"] === true;
  const price = objectIn(line, "price");
  const interval = intervalOf(line);
  return {
    productId: product?.id ?? namedProduct(line) ?? own,
    ...(productName !== undefined && { productName }),
    ...(quantity && { quantity }),
    gross,
    net: gross - sum(line["discount_amounts"]) + sum(line["tax_amounts"], isOnTop) + sum(line["taxes"], isOnTop),
    recurring: inSubscription && (proration || !isOnce(line)),
    proration,
    ...(interval && { interval }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    free: unitsOf(price["unit_amount"]) === 0n,
  };
}

/** The details of a line's parent (since basil), whichever of its two kinds it is. */
function lineParent(line: Values): Values {
  const parent = objectIn(line, "parent");
  return { ...objectIn(parent, "invoice_item_details"), ...objectIn(parent, "subscription_item_details") };
}

function isOnce(line: Values): boolean {
  if (objectIn(line, "price")["type"] === "recurring") return false;
  return line["type"] === "invoiceitem" || objectIn(line, "parent")["type"] === "invoice_item_details";
}

/** Of a subscription's item or of a line before basil; later lines do not tell. */
export function intervalOf(line: Values): Interval | undefined {
  for (const place of [objectIn(objectIn(line, "price"), "recurring"), objectIn(line, "plan")]) {
    const unit = place["interval"];
    if (unit !== "day" && unit !== "week" && unit !== "month" && unit !== "year") continue;
    return { unit, count: count(place["interval_count"]) || 1 };
  }
  return undefined;
}

/** Tax that comes on top of the amount; what is included in it is no more money. */
function isOnTop(tax: Values): boolean {
  return tax["inclusive"] === false || tax["tax_behavior"] === "exclusive";
}

function sum(entries: unknown, counts: (entry: Values) => boolean = () => true): bigint {
  const values = listIn({ entries: { data: entries } }, "entries").filter(counts);
  return values.reduce((total, entry) => total + (unitsOf(entry["amount"]) ?? 0n), 0n);
}

function shareOf(lines: readonly Line[], begins: boolean, paidAt: Instant | undefined): Share | undefined {
  const [first] = lines;
  if (!first) return undefined;
  const gross = lines.reduce((total, line) => total + line.gross, 0n);
  const net = lines.reduce((total, line) => total + line.net, 0n);
  if (gross < 0n) return undefined;
  const recurring = lines.filter((line) => line.recurring);
  const productName = lines.map((line) => line.productName).find((name) => name !== undefined);
  const quantity = quantityOf(lines);
  const interval = recurring.map((line) => line.interval).find((known) => known !== undefined);
  const ends = recurring.flatMap(({ to, gross }) => (to === undefined || gross < 0n ? [] : [to]));
  const until = ends.length > 0 ? Math.max(...ends) : undefined;
  const trial = begins ? trialOf(lines) : undefined;
  return {
    productId: first.productId,
    ...(productName !== undefined && { productName }),
    ...(quantity > 0 && { quantity }),
    weight: net > 0n ? net : 0n,
    recurring: recurring.length > 0,
    ...(interval && { interval }),
    ...(until !== undefined && (paidAt === undefined || until > paidAt) && { until }),
    ...(trial && { trial }),
  };
}

/** Several tiers of one price are several lines; of prorations the largest is the new number. */
function quantityOf(lines: readonly Line[]): number {
  const regular = lines.filter((line) => !line.proration);
  if (regular.length > 0) return regular.reduce((total, line) => total + (line.quantity ?? 0), 0);
  return Math.max(0, ...lines.filter((line) => line.gross >= 0n).map((line) => line.quantity ?? 0));
}

/** At the beginning a plan that charges nothing is on trial, unless its price is nothing. A discount is no trial. */
function trialOf(lines: readonly Line[]): Share["trial"] {
  const tried = lines.filter((line) => line.recurring && line.gross === 0n && !line.free);
  if (tried.length === 0 || tried.length < lines.length) return undefined;
  for (const { from, to } of tried) if (from !== undefined && to !== undefined && from < to) return { from, to };
  return undefined;
}

/** The product's name out of Stripe's own sentence, such as `1 × Membership (at €29.00 / month)`. */
function nameIn(description: unknown): string | undefined {
  const text = label(description);
  const match = text && /^(?:Trial period for |(?:Free trial for )?\d+ × )(.+?)(?: \(at [^()]*\))?$/.exec(text);
  return match ? match[1] : text;
}
