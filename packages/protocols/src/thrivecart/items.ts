import type { Interval } from "../domain/day.ts";
import type { Plan } from "../domain/fact.ts";
import { type Currency, type Money, parseMinor } from "../domain/money.ts";
import { blank, count, id, isObject, isTrue, label, type Values, word } from "../values.ts";
import { field, list, part } from "./message.ts";
import { firstOf } from "./times.ts";

/** One product of an order. */
export type Item = {
  /** as in ThriveCart's purchase map, `product-12` or `bump-12`: the number alone names several */
  readonly productId: string;
  readonly productName?: string;
  readonly plan?: Plan;
  readonly quantity?: number;
};

export type Charged = Item & { readonly amount: Money };

/**
 * What was charged: one entry for each product, as a product may have several charges. Tax that the charges do not
 * contain is borne by all in proportion, so that they make up the order.
 * @returns undefined where one cannot be read; empty where none is listed
 * Source: ThriveCart "Using webhook notifications", order[charges]
 */
export function chargesOf(values: Values, currency: Currency): readonly Charged[] | undefined {
  const charged = new Map<string, Charged>();
  let gross = true;
  for (const charge of list(values, "order", "charges")) {
    if (!isObject(charge) || isTrue(charge["defer"])) continue;
    const item = itemOf(charge, "item_type", "reference");
    const amount = moneyOf(charge, currency);
    if (!item || !amount) return undefined;
    gross &&= !blank(field(charge, "amount_gross"));
    const before = charged.get(item.productId);
    const plan = before?.plan && before.plan.kind !== "once" ? before.plan : (item.plan ?? before?.plan);
    const minor = amount.minor + (before?.amount.minor ?? 0n);
    charged.set(item.productId, { ...(before ?? item), ...(plan && { plan }), amount: { minor, currency } });
  }
  return gross ? [...charged.values()] : withTax([...charged.values()], values, currency);
}

/** What will be charged for the first time later, and when. */
export function deferredOf(values: Values): readonly { readonly item: Item; readonly due: number }[] {
  const later = [...list(values, "order", "charges"), ...list(values, "order", "future_charges")];
  return later.flatMap((charge) => {
    const item = isObject(charge) ? itemOf(charge, "item_type", "reference") : undefined;
    const due = isObject(charge) ? firstOf(charge, ["defer_date"], ["due"]) : undefined;
    return item && due !== undefined ? [{ item, due }] : [];
  });
}

/** The product of what a message says of one subscription or one refund. */
export function itemIn(values: Values, name: "subscription" | "refund"): Item | undefined {
  const own = part(values, name);
  // The id is that of the product within its type; one that is no number is the payment processor's.
  const numbered = /^\d+$/.test(id(field(own, "id")) ?? "");
  const item = itemOf(own, "type", numbered || blank(field(own, "product_id")) ? "id" : "product_id");
  if (item) return item;
  const map = list(values, "purchase_map").flatMap((entry) => id(entry) ?? []);
  return map.length === 1 && map[0] !== undefined ? { productId: map[0] } : undefined;
}

/** Hundredths of the major unit whatever the currency has: 1499 is 14.99, and 50000 are 500 yen. */
export function moneyOf(values: Values, currency: Currency, ...names: readonly string[]): Money | undefined {
  for (const name of names.length > 0 ? names : ["amount_gross", "amount"]) {
    const value = field(values, name);
    if (blank(value)) continue;
    const minor = hundredths(value, currency) ?? parseMinor(field(values, `${name}_str`), currency);
    return minor === undefined ? undefined : { minor: minor < 0n ? -minor : minor, currency };
  }
  return undefined;
}

function hundredths(value: unknown, currency: Currency): bigint | undefined {
  const text = typeof value === "number" ? String(value) : value;
  const match = typeof text === "string" ? /^(-?)(\d{1,14})$/.exec(text.trim()) : null;
  if (!match) return undefined;
  const digits = (match[2] ?? "").padStart(3, "0");
  return parseMinor(`${match[1]}${digits.slice(0, -2)}.${digits.slice(-2)}`, currency);
}

function itemOf(values: Values, typeName: string, idName: string): Item | undefined {
  const reference = id(field(values, idName));
  const identifier = id(field(values, "item_identifier"));
  if (reference === undefined && identifier === undefined) return undefined;
  const type = word(field(values, typeName));
  const productId = reference === undefined ? identifier?.replace("_", "-") : `${type || "product"}-${reference}`;
  const productName = label(field(values, "name"));
  const plan = planOf(values);
  const quantity = count(field(values, "quantity"));
  return productId === undefined
    ? undefined
    : {
        productId,
        ...(productName && { productName }),
        ...(plan && { plan }),
        ...(quantity !== undefined && { quantity }),
      };
}

/** What is charged by an order that lists no charges: all of it for its main product. */
export function wholeCharge(values: Values, currency: Currency): readonly Charged[] | undefined {
  const reference = id(field(values, "base_product"));
  if (blank(field(values, "order", "total")) || reference === undefined) return [];
  const amount = moneyOf(part(values, "order"), currency, "total_gross", "total");
  const productName = label(field(values, "base_product_name"));
  return amount && [{ productId: `product-${reference}`, ...(productName && { productName }), amount }];
}

function withTax(charged: readonly Charged[], values: Values, currency: Currency): readonly Charged[] {
  const order = part(values, "order");
  const total = moneyOf(order, currency, "total_gross", "total")?.minor ?? 0n;
  const tax = moneyOf(order, currency, "tax")?.minor ?? 0n;
  const sum = charged.reduce((all, { amount }) => all + amount.minor, 0n);
  if (tax === 0n || sum === 0n || sum + tax !== total) return charged;
  let [soFar, given] = [0n, 0n];
  return charged.map((item) => {
    soFar += item.amount.minor;
    const minor = (total * soFar) / sum - given;
    given += minor;
    return { ...item, amount: { minor, currency } };
  });
}

/**
 * A charge that comes again is a subscription, and a plan of instalments where the charges to come are counted.
 * How many there are in all no message tells.
 * @returns undefined where the message does not say
 */
function planOf(values: Values): Plan | undefined {
  const frequency = word(field(values, "frequency"));
  const days = count(field(values, "frequency_days"));
  const repeats = (frequency !== "" && frequency !== "once") || word(field(values, "type")) === "recurring";
  if (!repeats) return word(field(values, "type")) === "single" ? { kind: "once" } : undefined;
  const interval =
    intervals.get(frequency) ?? (days ? (monthly.get(days) ?? { unit: "day" as const, count: days }) : undefined);
  const kind = count(field(values, "remaining_rebills")) === undefined ? "subscription" : "instalments";
  return { kind, ...(interval && { interval }) };
}

const every = (unit: Interval["unit"], count = 1): Interval => ({ unit, count });

const intervals: ReadonlyMap<string, Interval> = new Map([
  ["day", every("day")],
  ["daily", every("day")],
  ["week", every("week")],
  ["weekly", every("week")],
  ["biweekly", every("week", 2)],
  ["month", every("month")],
  ["monthly", every("month")],
  ["quarter", every("month", 3)],
  ["quarterly", every("month", 3)],
  ["year", every("year")],
  ["yearly", every("year")],
  ["annually", every("year")],
]);

/** Days in which a message writes months. */
const monthly: ReadonlyMap<number, Interval> = new Map([
  [7, every("week")],
  [14, every("week", 2)],
  [30, every("month")],
  [60, every("month", 2)],
  [90, every("month", 3)],
  [180, every("month", 6)],
  [365, every("year")],
]);
