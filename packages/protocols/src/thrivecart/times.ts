import { type Instant, parseInstant } from "../domain/day.ts";
import type { Values } from "../values.ts";
import { field } from "./message.ts";

/** When the order was placed. Every message of an order repeats it, so it is the time of the sale alone. */
export function orderedAt(values: Values): Instant | undefined {
  return (
    firstOf(values, ["order_date_iso8601"], ["order_date_unix"], ["order_timestamp"], ["order", "date_iso8601"]) ??
    happenedAt(values)
  );
}

/** When what the message tells of happened. @returns undefined where it does not say: the order's time is another */
export function happenedAt(values: Values): Instant | undefined {
  return firstOf(values, ["date_iso8601"], ["date_unix"]);
}

/** The first that can be read: seconds since 1970, or a timestamp with its zone. */
export function firstOf(values: Values, ...paths: readonly (readonly string[])[]): Instant | undefined {
  for (const path of paths) {
    const at = instantOf(field(values, ...path));
    if (at !== undefined) return at;
  }
  return undefined;
}

function instantOf(value: unknown): Instant | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text === "string" && /^[1-9]\d{8,10}$/.test(text)) return Number(text) * 1000;
  // A time without a zone is in that of the account, which no message tells.
  return typeof text === "string" && /(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? parseInstant(text, "UTC") : undefined;
}
