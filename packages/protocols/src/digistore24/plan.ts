import type { Interval } from "../domain/day.ts";
import type { Plan } from "../domain/fact.ts";
import { type Currency, type Money, parseMinor } from "../domain/money.ts";
import { count, text, type Values, word } from "./read.ts";

/**
 * How the item is paid.
 * @param paid of a payment: its amount, by which the terms in the same call are checked
 * @returns undefined where the plan is missing or of an unknown kind
 * Source: Digistore24 "IPN", billing_type and number_of_installments; 0 rates are an open number
 */
export function planOf(values: Values, paid?: Money): Plan | undefined {
  const interval = intervalOf(text(values, "other_billing_intervals", "first_billing_interval"));
  switch (word(values, "billing_type")) {
    case "single_payment":
      return { kind: "once" };
    case "subscription":
      return { kind: "subscription", ...(interval && { interval }) };
    case "installment":
    case "instalment": {
      const total = totalOf(values, paid !== undefined);
      const agreed = total && paid ? agreedOf(values, total, paid) : undefined;
      return { kind: "instalments", ...(interval && { interval }), ...(total && { total }), ...(agreed && { agreed }) };
    }
    default:
      return undefined;
  }
}

/** All rates of an instalment plan are paid, by Digistore24's own word. */
export function isPaidUp(values: Values): boolean {
  return (
    /^instal?lment$/.test(word(values, "billing_type")) &&
    word(values, "billing_status", "order_billing_status") === "completed"
  );
}

/** `1_month`, `7_day`, `1_year`; whole weeks are weeks. */
export function intervalOf(text: string): Interval | undefined {
  const [, digits = "", unit] = /^\s*(\d{1,4})_(day|week|month|year)s?\s*$/i.exec(text) ?? [];
  const times = Number(digits);
  switch (unit?.toLowerCase()) {
    case "day":
      return times > 0
        ? times % 7 === 0
          ? { unit: "week", count: times / 7 }
          : { unit: "day", count: times }
        : undefined;
    case "week":
    case "month":
    case "year":
      return times > 0 ? { unit: unit?.toLowerCase() as "week" | "month" | "year", count: times } : undefined;
    default:
      return undefined;
  }
}

/** Where no number is told, the payment that completes the plan tells it by its own. */
function totalOf(values: Values, isPayment: boolean): number | undefined {
  const told =
    count(text(values, "order_item_number_of_installments")) || count(text(values, "number_of_installments"));
  if (told) return told;
  return (isPayment && isPaidUp(values) && count(text(values, "pay_sequence_no"))) || undefined;
}

/**
 * The sum of all rates. Whether first_amount and other_amounts are those of this item, tax included and in the currency
 * of the payment, is not documented: they count where the payment itself is one of them.
 */
function agreedOf(values: Values, total: number, paid: Money): Money | undefined {
  const { currency } = paid;
  const first = positive(text(values, "first_amount"), currency);
  const each = positive(text(values, "other_amounts"), currency);
  if (first === undefined || (each === undefined && total > 1)) return undefined;
  const isFirst = (count(text(values, "pay_sequence_no")) ?? 1) <= 1;
  if (paid.minor !== (isFirst ? first : each)) return undefined;
  const minor = first + BigInt(total - 1) * (each ?? 0n);
  return minor <= mostMinor ? { minor, currency } : undefined;
}

function positive(text: string, currency: Currency): bigint | undefined {
  const minor = parseMinor(text, currency);
  return minor !== undefined && minor > 0n ? minor : undefined;
}

/** PostgreSQL's bigint. */
const mostMinor = 9_223_372_036_854_775_807n;
