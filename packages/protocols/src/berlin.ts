import { Temporal } from "temporal-polyfill";
import { type Instant, parseWhen } from "./domain/day.ts";

/** The zone in which the German providers print their days and clock times. */
const zone = "Europe/Berlin";

export function inBerlin(at: Instant): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(at)).toZonedDateTimeISO(zone);
}

/** The calendar day `YYYY-MM-DD` of a day or an instant; undefined where there is neither. */
export function berlinDay(value: string | null | undefined): string | undefined {
  const when = parseWhen(value, zone);
  if (!when) return undefined;
  return "day" in when ? when.day : inBerlin(when.at).toPlainDate().toString();
}

/** The last day on which something that ends at `value` still runs: midnight belongs to the day before it. */
export function lastBerlinDay(value: string | null | undefined): string | undefined {
  const when = parseWhen(value, zone);
  if (!when) return undefined;
  return "day" in when
    ? when.day
    : inBerlin(when.at - 1)
        .toPlainDate()
        .toString();
}
