import { inBerlin } from "../berlin.ts";
import { type Day, type Instant, parseDay, parseInstant, parseWhen, type When } from "../domain/day.ts";
import { text, type Values, word } from "./read.ts";

/** Digistore24 names no zone; its days and clock times are taken for German ones. */
const zone = "Europe/Berlin";

/** When the transaction of this call was made. A day without a time is its beginning: nobody waits for what has happened. */
export function transactionTime(values: Values): Instant | undefined {
  const day = text(values, "transaction_date").trim();
  return (
    parseInstant(`${day} ${text(values, "transaction_time").trim()}`, zone) ??
    parseInstant(day, zone) ??
    parseInstant(text(values, "transaction_processed_at").trim(), zone) ??
    (parseDay(day) ? parseInstant(`${day} 00:00`, zone) : undefined)
  );
}

/**
 * Whether the transaction this call names is that of its event. What is said of a plan between two payments may come
 * with the payment before, and neither its number nor its time is that of the event then.
 */
export function isOwnTransaction(event: string, values: Values): boolean {
  const type = word(values, "transaction_type");
  return type === "" || type === event.replace(/^on_/, "");
}

/** A day or an instant; undefined where there is neither. */
export function whenOf(values: Values, ...names: readonly string[]): When | undefined {
  return names.map((name) => parseWhen(text(values, name).trim(), zone)).find((when) => when !== undefined);
}

/** A clock time. */
export function instantOf(values: Values, name: string): Instant | undefined {
  return parseInstant(text(values, name).trim(), zone);
}

/** The day before the one `at` lies in. */
export function dayBefore(at: Instant): Day | undefined {
  return parseDay(inBerlin(at).toPlainDate().subtract({ days: 1 }).toString());
}

export function orderDay(values: Values): Day | undefined {
  return parseDay(text(values, "order_date").trim()) ?? parseDay(text(values, "order_date_time").trim().slice(0, 10));
}
