import type { Day, Instant, Interval, When } from "@paybell/protocols/domain/day";
import { Temporal } from "temporal-polyfill";

/** Days are days in the shop's zone; instants are UTC. */

export function dayOf(at: Instant, zone: string): Day {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate().toString() as Day;
}

/** The first instant of the day; where midnight does not exist (clock change), the first that does. */
export function startOfDay(day: Day, zone: string): Instant {
  const key = `${zone}|${day}`;
  const known = starts.get(key);
  if (known !== undefined) return known;
  const at = Temporal.PlainDate.from(day).toZonedDateTime(zone).startOfDay().epochMilliseconds;
  if (starts.size >= 10_000) starts.clear();
  starts.set(key, at);
  return at;
}

export function addDays(day: Day, days: number): Day {
  return Temporal.PlainDate.from(day).add({ days }).toString() as Day;
}

/** Counted from the anchor, so that 31 Jan, 28 Feb, 31 Mar keep their day. */
export function addIntervals(anchor: Day, interval: Interval, times: number): Day {
  return Temporal.PlainDate.from(anchor)
    .add({ [`${interval.unit}s`]: interval.count * times }, { overflow: "constrain" })
    .toString() as Day;
}

/** The first instant after it: a day covers itself whole. */
export function endOf(when: When, zone: string): Instant {
  return "day" in when ? startOfDay(addDays(when.day, 1), zone) : when.at;
}

export function whenDay(when: When, zone: string): Day {
  return "day" in when ? when.day : dayOf(when.at, zone);
}

/** @param duration ISO 8601, days or more */
export function addDuration(at: Instant, duration: string, zone: string): Instant {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).add(duration).epochMilliseconds;
}

/** Which interval lies between two due days: whole months where the day of the month fits, otherwise days. */
export function intervalBetween(from: Day, to: Day): Interval | undefined {
  const a = Temporal.PlainDate.from(from);
  const b = Temporal.PlainDate.from(to);
  if (Temporal.PlainDate.compare(b, a) <= 0) return undefined;
  const months = (b.year - a.year) * 12 + b.month - a.month;
  if (months > 0 && addIntervals(from, { unit: "month", count: months }, 1) === to)
    return { unit: "month", count: months };
  return { unit: "day", count: a.until(b, { largestUnit: "day" }).days };
}

/** How many whole intervals fit between anchor and day. */
export function intervalsUntil(anchor: Day, day: Day, interval: Interval): number {
  const unit = interval.unit;
  const span = Temporal.PlainDate.from(anchor).until(Temporal.PlainDate.from(day), { largestUnit: unit });
  const whole = unit === "day" ? span.days : unit === "week" ? span.weeks : unit === "month" ? span.months : span.years;
  return Math.floor(whole / interval.count);
}

const starts = new Map<string, Instant>();
