import type { Interval } from "../domain/day.ts";
import type { Plan } from "../domain/fact.ts";
import { type Currency, type Money, parseMinor } from "../domain/money.ts";
import { count, type Values, word } from "../values.ts";

/**
 * How the item is paid. The synonyms have never been seen on the wire and are never sent.
 * @returns undefined where the plan is missing or of an unknown kind
 * Source: CopeCart "IPN" 1.6.7, payment_plan
 */
export function planOf(values: Values, currency: Currency | undefined): Plan | undefined {
  const interval = intervals.get(word(values["frequency"]));
  switch (word(values["payment_plan"])) {
    case "one_time_payment":
      return { kind: "once" };
    case "abonnement":
    case "abonement":
    case "abo":
    case "subscription":
      return { kind: "subscription", ...(interval && { interval }) };
    case "breakdown_payment":
    case "installment":
    case "instalment": {
      const total = count(values["total_number_of_payments"]) || undefined;
      const agreed = total && currency && agreedOf(values, total, currency);
      return {
        kind: "instalments",
        ...(interval && { interval }),
        ...(total && { total }),
        ...(agreed && { agreed }),
      };
    }
    default:
      return undefined;
  }
}

const intervals: ReadonlyMap<string, Interval> = new Map([
  ["daily", { unit: "day", count: 1 }],
  ["weekly", { unit: "week", count: 1 }],
  ["biweekly", { unit: "week", count: 2 }],
  ["monthly", { unit: "month", count: 1 }],
  ["quarterly", { unit: "month", count: 3 }],
  ["half_yearly", { unit: "month", count: 6 }],
  ["yearly", { unit: "year", count: 1 }],
]);

/**
 * The word for an interval.
 * @returns null for an interval CopeCart has no word for
 */
export function frequencyOf({ unit, count }: Interval): string | null {
  const plain: Interval =
    unit === "day" && count % 7 === 0
      ? { unit: "week", count: count / 7 }
      : unit === "month" && count % 12 === 0
        ? { unit: "year", count: count / 12 }
        : { unit, count };
  for (const [word, known] of intervals) if (known.unit === plain.unit && known.count === plain.count) return word;
  return null;
}

function agreedOf(values: Values, total: number, currency: Currency): Money | undefined {
  const first = parseMinor(values["first_payment"], currency);
  const each = total === 1 ? 0n : parseMinor(values["next_payments"], currency);
  if (first === undefined || each === undefined) return undefined;
  const minor = first + BigInt(total - 1) * each;
  return minor > 0n && minor <= mostMinor ? { minor, currency } : undefined;
}

/** PostgreSQL's bigint. */
const mostMinor = 9_223_372_036_854_775_807n;
