import { Temporal } from "temporal-polyfill";
import type { Instant, Interval } from "../domain/day.ts";

/**
 * Reads `18:30:30 Jan 1, 2026 PST`. The zone counts by its name, whatever the season: PST is 8 hours behind UTC, PDT 7.
 * @returns undefined for anything else, `N/A` among it
 * Source: PayPal "IPN and PDT variables", payment_date
 */
export function parsePacific(text: string | undefined): Instant | undefined {
  const match = /^(\d{1,2}):(\d{2}):(\d{2}) ([A-Z][a-z]{2})[a-z]* (\d{1,2}), (\d{4}) (PST|PDT)$/.exec(
    text?.trim() ?? "",
  );
  if (!match) return undefined;
  const [, hour, minute, second, monthName, day, year, zone] = match;
  const month = months.indexOf(monthName ?? "");
  if (month === -1 || !year || year.startsWith("0")) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const utc = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  if (new Date(utc).getUTCDate() !== Number(day)) return undefined; // 30 February
  return utc + (zone === "PDT" ? 7 : 8) * hourMs;
}

/** Reads a length such as `1 M` (D, W, M or Y). */
export function parsePeriod(text: string | undefined): Interval | undefined {
  const match = /^(\d{1,3}) ?([DWMY])$/.exec(text?.trim() ?? "");
  const unit = match && units.get(match[2] ?? "");
  const count = Number(match?.[1]);
  return unit && count > 0 ? { unit, count } : undefined;
}

/** Reads a profile's cycle: `Monthly`, `every 3 Months`. @returns undefined for `SemiMonthly`, which no length fits */
export function parseCycle(text: string | undefined): Interval | undefined {
  const words = (text ?? "").trim().toLowerCase();
  const named = cycles.get(words);
  if (named) return named;
  const match = /^every (\d{1,3}) (day|week|month|year)s?$/.exec(words);
  const unit = match?.[2] as Interval["unit"] | undefined;
  const count = Number(match?.[1]);
  return unit && count > 0 ? { unit, count } : undefined;
}

/** The instant `length` after `at`, by PayPal's calendar: the day and time of day stay the same in California. */
export function after(at: Instant, { unit, count }: Interval): Instant {
  return Temporal.Instant.fromEpochMilliseconds(at)
    .toZonedDateTimeISO("America/Los_Angeles")
    .add({ [`${unit}s`]: count }).epochMilliseconds;
}

const hourMs = 3_600_000;
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const units = new Map<string, Interval["unit"]>([
  ["D", "day"],
  ["W", "week"],
  ["M", "month"],
  ["Y", "year"],
]);
const cycles = new Map<string, Interval>([
  ["daily", { unit: "day", count: 1 }],
  ["weekly", { unit: "week", count: 1 }],
  ["biweekly", { unit: "week", count: 2 }],
  ["monthly", { unit: "month", count: 1 }],
  ["quarterly", { unit: "month", count: 3 }],
  ["semiyearly", { unit: "month", count: 6 }],
  ["yearly", { unit: "year", count: 1 }],
]);
