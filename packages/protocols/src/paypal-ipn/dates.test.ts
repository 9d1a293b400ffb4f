import { expect, test } from "vitest";
import { after, parseCycle, parsePacific, parsePeriod } from "./dates.ts";

test.each([
  ["18:30:30 Jan 1, 2026 PST", "2026-01-02T02:30:30.000Z"],
  ["09:15:30 Mar 02, 2026 PST", "2026-03-02T17:15:30.000Z"],
  ["02:00:00 Apr 07, 2026 PDT", "2026-04-07T09:00:00.000Z"],
  // The zone's name counts, not the season.
  ["12:00:00 Jul 1, 2026 PST", "2026-07-01T20:00:00.000Z"],
])("%s is %s", (text, instant) => {
  expect(new Date(parsePacific(text) ?? Number.NaN).toISOString()).toBe(instant);
});

test.each([
  "N/A",
  "",
  "18:30:30 Jan 1, 2026",
  "18:30:30 Jan 1, 2026 CET",
  "18:30:30 Feb 30, 2026 PST",
  "24:30:30 Jan 1, 2026 PST",
  "18:30:30 Foo 1, 2026 PST",
  "18:30:30 Jan 1, 0026 PST",
])("%j is no time", (text) => {
  expect(parsePacific(text)).toBeUndefined();
});

test("a period is days, weeks, months or years", () => {
  expect(["3 D", "2 W", "1 M", "1 Y"].map(parsePeriod)).toEqual([
    { unit: "day", count: 3 },
    { unit: "week", count: 2 },
    { unit: "month", count: 1 },
    { unit: "year", count: 1 },
  ]);
  expect(["", "0 M", "M", "1 Q"].map(parsePeriod)).toEqual([undefined, undefined, undefined, undefined]);
});

test("a cycle is a word or so many units, and twice a month is no length", () => {
  expect(parseCycle("Monthly")).toEqual({ unit: "month", count: 1 });
  expect(parseCycle("every 3 Months")).toEqual({ unit: "month", count: 3 });
  expect(parseCycle("SemiMonthly")).toBeUndefined();
});

test("a month from the 31st ends with the shorter month, at the same time of day in California", () => {
  const from = Date.parse("2026-01-31T20:00:00Z");
  expect(new Date(after(from, { unit: "month", count: 1 })).toISOString()).toBe("2026-02-28T20:00:00.000Z");
  // Over the change of the clocks on 8 March.
  const march = Date.parse("2026-03-02T20:00:00Z");
  expect(new Date(after(march, { unit: "week", count: 1 })).toISOString()).toBe("2026-03-09T19:00:00.000Z");
});
