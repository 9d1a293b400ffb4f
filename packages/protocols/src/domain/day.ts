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
  return typeof value === "string" && isDay(value) ? value : undefined;
}

function isDay(text: string): text is Day {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || ancient(text)) return false;
  try {
    return Temporal.PlainDate.from(text, { overflow: "reject" }).toString() === text;
  } catch {
    return false; // 2026-02-30
  }
}

/**
 * Reads a timestamp; one without a zone is read in `zone`, and a clock time that does not exist there
 * (the hour skipped in spring) moves forward by the gap instead of being refused.
 */
export function parseInstant(value: unknown, zone: string): Instant | undefined {
  if (typeof value !== "string" || value.length > 40 || !/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(value))
    return undefined;
  if (ancient(value)) return undefined;
  // `2026-03-03 18:22:41 +0100` and `2026-03-03 18:22:41 UTC` are how some senders print a time.
  const text = value
    .replace(" ", "T")
    .replace(/ (?=[+-]\d|UTC$)/, "")
    .replace(/UTC$/, "Z");
  try {
    if (/[Z+-]/i.test(text.slice(11))) return Temporal.Instant.from(text).epochMilliseconds;
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

/** PostgreSQL has no year 0, and an offset could lead into it from the next. Nobody sold anything back then. */
function ancient(value: string): boolean {
  return value.startsWith("0");
}
