import { Temporal } from "temporal-polyfill";

/** Milliseconds since 1970-01-01T00:00Z. */
export type Instant = number;

/** A calendar day without a zone, `YYYY-MM-DD`. Made only by {@link parseDay}. */
export type Day = string & { readonly __brand: "Day" };

/** A date without a time covers that whole day in the shop's zone; a value with a time is taken to the second. */
export type When = { readonly day: Day } | { readonly at: Instant };

/** How often a plan is charged. */
export type Interval = { readonly unit: "day" | "week" | "month" | "year"; readonly count: number };

export function parseDay(value: unknown): Day | undefined {
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return undefined;
  try {
    return Temporal.PlainDate.from(value, { overflow: "reject" }).toString() as Day;
  } catch {
    return undefined; // 2026-02-30
  }
}

/**
 * Reads a timestamp; one without a zone is read in `zone`, and a clock time that does not exist there
 * (the hour skipped in spring) moves forward by the gap instead of being refused.
 */
export function parseInstant(value: unknown, zone: string): Instant | undefined {
  if (typeof value !== "string" || value.length > 40 || !/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(value)) return undefined;
  const text = value.replace(" ", "T");
  try {
    if (/(Z|[+-]\d{2}:?\d{2})$/i.test(text)) return Temporal.Instant.from(text).epochMilliseconds;
    return Temporal.PlainDateTime.from(text).toZonedDateTime(zone, { disambiguation: "compatible" }).epochMilliseconds;
  } catch {
    return undefined;
  }
}

/** A day, or a timestamp, whichever the text is. */
export function parseWhen(value: unknown, zone: string): When | undefined {
  const day = parseDay(value);
  if (day) return { day };
  const at = parseInstant(value, zone);
  return at === undefined ? undefined : { at };
}
