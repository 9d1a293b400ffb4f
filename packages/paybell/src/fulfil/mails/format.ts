import type { Day, Instant } from "@paybell/protocols/domain/day";
import { formatMajor, minorDigits, type Money } from "@paybell/protocols/domain/money";
import type { Language } from "../../domain/mail.ts";

/** "27 March 2026", "27. März 2026" */
export function formatDay(day: Day, language: Language): string {
  return dayFormat(language, "UTC").format(Date.parse(`${day}T00:00:00Z`));
}

/** "15 April 2026, 12:00 CEST", "15. April 2026, 12:00 MESZ" */
export function formatInstant(at: Instant, language: Language, timeZone: string): string {
  return `${dayFormat(language, timeZone).format(at)}, ${timeFormat(language, timeZone).format(at)}`;
}

/**
 * The end of an access. One that falls on midnight is the end of the day before, and is written as that day:
 * "28 March, 00:00" is read as the 28th by half the people.
 */
export function formatEnd(
  until: { readonly day: Day } | { readonly at: Instant },
  language: Language,
  timeZone: string,
): { readonly text: string; readonly wholeDay: boolean } {
  if ("day" in until) return { text: formatDay(until.day, language), wholeDay: true };
  const clock = clockFormat(timeZone).format(until.at);
  if (clock === "00:00:00") return { text: dayFormat(language, timeZone).format(until.at - 1000), wholeDay: true };
  return { text: formatInstant(until.at, language, timeZone), wholeDay: false };
}

/** "€29.90", "29,90 €", "¥500": the places are those of ISO 4217, not those `Intl` holds for the currency. */
export function formatMoney(money: Money, language: Language): string {
  return moneyFormat(language, money).format(decimal(formatMajor(money)));
}

/** `Intl` takes a decimal as text without rounding it through a float, but wants its type to say so. */
function decimal(text: string): `${number}` {
  if (isDecimal(text)) return text;
  throw new Error("An amount was not written as a decimal.");
}

function isDecimal(text: string): text is `${number}` {
  return /^-?\d+\.\d+$/.test(text);
}

const locales = { de: "de-DE", en: "en-GB" } as const;

function dayFormat(language: Language, timeZone: string): Intl.DateTimeFormat {
  return remembered(
    days,
    `${language}|${timeZone}`,
    () => new Intl.DateTimeFormat(locales[language], { day: "numeric", month: "long", year: "numeric", timeZone }),
  );
}

function timeFormat(language: Language, timeZone: string): Intl.DateTimeFormat {
  return remembered(
    times,
    `${language}|${timeZone}`,
    () =>
      new Intl.DateTimeFormat(locales[language], {
        hour: "2-digit",
        minute: "2-digit",
        timeZoneName: "short",
        timeZone,
      }),
  );
}

function clockFormat(timeZone: string): Intl.DateTimeFormat {
  return remembered(
    clocks,
    timeZone,
    () =>
      new Intl.DateTimeFormat("en-GB", {
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
        hourCycle: "h23",
        timeZone,
      }),
  );
}

function moneyFormat(language: Language, { currency }: Money): Intl.NumberFormat {
  const digits = minorDigits(currency);
  return remembered(
    moneys,
    `${language}|${currency}`,
    () =>
      new Intl.NumberFormat(locales[language], {
        style: "currency",
        currency,
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }),
  );
}

// A formatter costs a hundred times what a format does.
const days = new Map<string, Intl.DateTimeFormat>();
const times = new Map<string, Intl.DateTimeFormat>();
const clocks = new Map<string, Intl.DateTimeFormat>();
const moneys = new Map<string, Intl.NumberFormat>();

function remembered<T>(known: Map<string, T>, key: string, make: () => T): T {
  let value = known.get(key);
  if (value === undefined) {
    if (known.size >= 500) known.clear();
    value = make();
    known.set(key, value);
  }
  return value;
}
