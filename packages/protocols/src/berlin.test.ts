import { expect, test } from "vitest";
import { berlinDay, lastBerlinDay } from "./berlin.ts";

test.each([
  ["2026-07-15", "2026-07-15", "2026-07-15"],
  ["2026-07-15T12:00:00Z", "2026-07-15", "2026-07-15"],
  ["2026-07-15T22:30:00Z", "2026-07-16", "2026-07-16"],
  ["2026-07-15T22:00:00Z", "2026-07-16", "2026-07-15"],
  ["2026-01-15T23:00:00Z", "2026-01-16", "2026-01-15"],
  ["2026-01-15T22:59:59Z", "2026-01-15", "2026-01-15"],
  ["soon", undefined, undefined],
  [null, undefined, undefined],
  [undefined, undefined, undefined],
])("%s falls on the day %s, and what ends then runs through %s", (value, day, last) => {
  expect(berlinDay(value)).toBe(day);
  expect(lastBerlinDay(value)).toBe(last);
});
