import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseDay, parseInstant, parseWhen } from "./day.ts";

const berlin = "Europe/Berlin";
const utc = (text: string) => Date.parse(text);

test.each(["2026-03-03", "2024-02-29", "1999-12-31"])("%s is a day", (text) => {
  expect(parseDay(text)).toBe(text);
});

test.each([
  "2026-02-30",
  "2025-02-29",
  "2026-13-01",
  "2026-00-10",
  "0000-01-01",
  "26-03-03",
  "2026-3-3",
  "03.03.2026",
  "2026-03-03T00:00",
  "2026-03-03 ",
  "",
  null,
  undefined,
  20260303,
  {},
])("%j is no day", (value) => {
  expect(parseDay(value)).toBeUndefined();
});

test.each([
  ["2026-03-03T18:22:41+01:00", "2026-03-03T17:22:41Z"],
  ["2026-03-12T09:15:33.204+01:00", "2026-03-12T08:15:33.204Z"],
  ["2026-03-03T18:22:41Z", "2026-03-03T18:22:41Z"],
  ["2026-03-03T18:22:41+0100", "2026-03-03T17:22:41Z"],
  ["2026-03-03T18:22:41+01", "2026-03-03T17:22:41Z"],
  ["2026-03-03 18:22:41 +0100", "2026-03-03T17:22:41Z"],
  ["2026-03-03 18:22:41 UTC", "2026-03-03T18:22:41Z"],
  ["2026-03-03 18:22:41", "2026-03-03T17:22:41Z"],
  ["2026-07-03T18:22:41", "2026-07-03T16:22:41Z"],
  ["2026-03-03T18:22", "2026-03-03T17:22:00Z"],
])("%s, read in Berlin where it has no zone, is %s", (text, instant) => {
  expect(parseInstant(text, berlin)).toBe(utc(instant));
});

test("a clock time skipped in spring moves forward by the gap", () => {
  expect(parseInstant("2026-03-29T02:30:00", berlin)).toBe(utc("2026-03-29T01:30:00Z"));
});

test("a clock time that comes twice in autumn is the first of the two", () => {
  expect(parseInstant("2026-10-25T02:30:00", berlin)).toBe(utc("2026-10-25T00:30:00Z"));
});

test.each([
  "2026-03-03",
  "18:22",
  "2026-02-30T10:00:00",
  "2026-03-03T25:00",
  "2026-03-03T18:22:41+99:00",
  "0000-01-01T00:00Z",
  `2026-03-03T18:22:41${".1".repeat(40)}`,
  "",
  null,
  undefined,
  1772558561,
  {},
])("%j is no instant", (value) => {
  expect(parseInstant(value, berlin)).toBeUndefined();
});

test("a date is a day and a timestamp is an instant", () => {
  expect(parseWhen("2026-05-15", berlin)).toEqual({ day: "2026-05-15" });
  expect(parseWhen("2026-05-15T10:00:00Z", berlin)).toEqual({ at: utc("2026-05-15T10:00:00Z") });
  expect(parseWhen("soon", berlin)).toBeUndefined();
});

test("an instant that was printed is read back, whatever zone the reader is in", () => {
  const instants = fc.date({ min: new Date("1000-01-02"), max: new Date("9999-12-30"), noInvalidDate: true });
  fc.assert(
    fc.property(instants, fc.constantFrom(berlin, "UTC", "America/New_York"), (date, zone) => {
      expect(parseInstant(date.toISOString(), zone)).toBe(date.getTime());
    }),
  );
});

test("whatever is given as a date, reading it never throws", () => {
  const texts = fc.stringMatching(/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?([+-]\d{2}:?\d{2}|Z)?$/);
  fc.assert(fc.property(fc.oneof(texts, fc.anything()), (value) => void parseWhen(value, berlin)));
});
