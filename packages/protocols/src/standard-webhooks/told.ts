import { count, email, id, isTrue, label, unreadable, type Unreadable, type Values, word } from "../values.ts";
import { type Instant, type Interval, parseDay, parseInstant, type When } from "../domain/day.ts";
import type { Buyer, Mode, Plan } from "../domain/fact.ts";
import { type Currency, type Money, parseCurrency, parseMinor } from "../domain/money.ts";
import type { EventMapping, FieldName } from "./mapping.ts";
import { entriesOf, valueAt, valueIn } from "./path.ts";

/** One product of a message, with its money where that stands beside it. */
export type Line = {
  readonly productId: string | undefined;
  readonly productName?: string;
  readonly quantity?: number;
  readonly amount?: Money;
};

/** Reads one message by its event's mapping; a field that is not mapped, or not there, is undefined. */
export type Reader = {
  text(name: FieldName): string | undefined;
  count(name: FieldName): number | undefined;
  when(name: FieldName): When | undefined;
  instant(name: FieldName): Instant | undefined;
};

export function readerOf(values: Values, { fields }: EventMapping): Reader {
  const value = (name: FieldName) => valueAt(values, fields[name]);
  return {
    text: (name) => id(value(name)),
    count: (name) => count(value(name)),
    when: (name) => whenOf(value(name)),
    instant(name) {
      const when = whenOf(value(name));
      return when && "at" in when ? when.at : undefined;
    },
  };
}

/**
 * The products of a message, one for every entry of the list their path walks. Several with one amount are, of anything
 * but a payment, the order as a whole.
 * @returns unreadable_amount, unreadable_currency
 */
export function linesOf(values: Values, mapping: EventMapping): readonly Line[] | Unreadable {
  const { fields, kind } = mapping;
  const currency = parseCurrency(valueAt(values, fields.currency));
  const moneyIn = (entry: unknown) => {
    const stated = valueIn(values, fields.amount, entry);
    return stated === undefined || stated === null ? undefined : moneyOf(stated, currency, mapping);
  };
  const entries = entriesOf(values, fields.product);
  if (entries && entries.length > mostLines)
    return unreadable("product", `The message lists more than ${mostLines} products.`);
  const apart = entriesOf(values, fields.amount) !== undefined;
  const whole = apart ? undefined : moneyIn(undefined);
  if (whole && "ok" in whole) return whole;
  if (entries?.length === 0) return [{ productId: undefined, ...(whole && { amount: whole }) }];
  if (entries && entries.length > 1 && whole) {
    if (kind !== "payment") return [{ productId: undefined, amount: whole }];
    return unreadable("amount", "The message names several products and one amount: map the amount of each.");
  }
  const lines: Line[] = [];
  for (const entry of entries ?? [undefined]) {
    const productName = label(valueIn(values, fields.productName, entry));
    const quantity = count(valueIn(values, fields.quantity, entry));
    const amount = moneyIn(entry);
    if (amount && "ok" in amount) return amount;
    lines.push({
      productId: id(valueIn(values, fields.product, entry)),
      ...(productName && { productName }),
      ...(quantity !== undefined && { quantity }),
      ...(amount && { amount }),
    });
  }
  return lines;
}

const mostLines = 1000;

/** Some senders write what goes back with a minus; the kind gives the direction. */
function moneyOf(value: unknown, currency: Currency | undefined, { kind, amountIn }: EventMapping): Money | Unreadable {
  if (!currency) return unreadable("currency", "The currency (fields.currency) is missing or unknown.");
  const minor = amountIn === "major" ? parseMinor(value, currency) : wholeOf(value);
  if (minor === undefined || (minor < 0n && kind === "payment"))
    return unreadable("amount", `The amount (fields.amount) is not written in ${amountIn} units.`);
  return { minor: minor < 0n ? -minor : minor, currency };
}

function wholeOf(value: unknown): bigint | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === "string" && /^-?\d{1,18}$/.test(value.trim()) ? BigInt(value.trim()) : undefined;
}

/** @returns undefined where the message names no address */
export function buyerOf(values: Values, { fields }: EventMapping): Buyer | undefined {
  if (isTrue(values["redacted"])) return { email: "" };
  const value = (name: FieldName) => valueAt(values, fields[name]);
  const address = email(value("email"));
  if (address === undefined) return undefined;
  const [first, ...rest] = (label(value("name")) ?? "").split(/\s+/u);
  const firstName = label(value("firstName")) ?? first;
  const lastName = label(value("lastName")) ?? rest.join(" ");
  const company = label(value("company"));
  const country = label(value("country"))?.toUpperCase();
  const language = label(value("language"));
  const reference = label(value("reference"), 2000);
  return {
    email: address,
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(company && { company }),
    ...(country && /^[A-Z]{2}$/.test(country) && { country }),
    ...(language && /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,6}$/.test(language) && { language }),
    ...(reference && { reference }),
  };
}

export function modeOf(values: Values, { fields }: EventMapping): Mode | undefined {
  const value = valueAt(values, fields.test);
  if (typeof value === "boolean" || typeof value === "number") return isTrue(value) ? "test" : "live";
  const text = word(value);
  if (["true", "1", "test", "sandbox"].includes(text)) return "test";
  return ["false", "0", "live", "production"].includes(text) ? "live" : undefined;
}

export function planOf(values: Values, { fields }: EventMapping): Plan | undefined {
  const value = (name: FieldName) => valueAt(values, fields[name]);
  const kind = planKinds.get(word(value("plan")).replaceAll(/[\s_-]/g, ""));
  const interval = intervalOf(word(value("interval")), count(value("intervalCount")) ?? 1);
  if (kind === "once") return { kind };
  if (kind === "instalments") {
    const total = count(value("rates"));
    return { kind, ...(interval && { interval }), ...(total && { total }) };
  }
  return kind || interval ? { kind: "subscription", ...(interval && { interval }) } : undefined;
}

const planKinds: ReadonlyMap<string, Plan["kind"]> = new Map([
  ["once", "once"],
  ["onetime", "once"],
  ["onetimepayment", "once"],
  ["single", "once"],
  ["subscription", "subscription"],
  ["recurring", "subscription"],
  ["instalments", "instalments"],
  ["installments", "instalments"],
  ["instalment", "instalments"],
  ["installment", "instalments"],
]);

function intervalOf(text: string, times: number): Interval | undefined {
  const known = intervals.get(text);
  return known && times > 0 && times <= 1000 ? { unit: known.unit, count: known.count * times } : undefined;
}

const intervals: ReadonlyMap<string, Interval> = new Map([
  ["day", { unit: "day", count: 1 }],
  ["days", { unit: "day", count: 1 }],
  ["daily", { unit: "day", count: 1 }],
  ["week", { unit: "week", count: 1 }],
  ["weeks", { unit: "week", count: 1 }],
  ["weekly", { unit: "week", count: 1 }],
  ["month", { unit: "month", count: 1 }],
  ["months", { unit: "month", count: 1 }],
  ["monthly", { unit: "month", count: 1 }],
  ["quarter", { unit: "month", count: 3 }],
  ["quarterly", { unit: "month", count: 3 }],
  ["year", { unit: "year", count: 1 }],
  ["years", { unit: "year", count: 1 }],
  ["yearly", { unit: "year", count: 1 }],
  ["annual", { unit: "year", count: 1 }],
  ["annually", { unit: "year", count: 1 }],
]);

/** A day, an instant with its zone (UTC without one), or seconds or milliseconds since 1970. */
function whenOf(value: unknown): When | undefined {
  const day = parseDay(value);
  if (day) return { day };
  const digits = typeof value === "string" && /^\d{9,14}$/.test(value) ? Number(value) : value;
  if (typeof digits === "number") {
    const at = Math.floor(digits < 100_000_000_000 ? digits * 1000 : digits);
    return at > 0 && at < endOfTime ? { at } : undefined;
  }
  const at = parseInstant(value, "UTC");
  return at === undefined ? undefined : { at };
}

/** The year 10000, which no text of four digits names. */
const endOfTime = 253_402_300_800_000;
