import fc from "fast-check";
import { expect, test } from "vitest";
import { attemptsOf, nextAttemptMs, type Schedule } from "./schedule.ts";

const minute = 60_000;
const hour = 60 * minute;
const almostOne = 1 - 2 ** -53;

/** The longest waits, one after the other. */
function waits(schedule: Schedule): number[] {
  const all: number[] = [];
  for (let attempts = 1; ; attempts++) {
    const ms = nextAttemptMs(schedule, attempts, almostOne);
    if (ms === undefined) return all;
    all.push(Math.round(ms));
  }
}

test("Standard Webhooks: ten attempts, after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 hours, in about three days", () => {
  expect(waits("standard-webhooks")).toEqual([
    5000,
    5 * minute,
    30 * minute,
    2 * hour,
    5 * hour,
    10 * hour,
    14 * hour,
    20 * hour,
    24 * hour,
  ]);
  expect(sum(waits("standard-webhooks"))).toBeGreaterThan(72 * hour);
  expect(sum(waits("standard-webhooks"))).toBeLessThan(80 * hour);
  expect(attemptsOf("standard-webhooks")).toBe(10);
});

test("CopeCart: ten repeats in three hours", () => {
  expect(waits("copecart")).toHaveLength(10);
  expect(sum(waits("copecart"))).toBe(3 * hour);
  expect(attemptsOf("copecart")).toBe(11);
});

test("Digistore24: twenty repeats, ten on the first day, then one a day for ten days", () => {
  const all = waits("digistore24");
  expect(all).toHaveLength(20);
  expect(all[0]).toBe(3 * minute);
  expect(sum(all.slice(0, 10))).toBeLessThan(24 * hour);
  expect(all.slice(10)).toEqual(Array(10).fill(24 * hour));
  expect(all).toEqual(all.toSorted((a, b) => a - b));
});

test("mail: 1, 5, 15 minutes, then 1, 4, 12 and 24 hours", () =>
  expect(waits("mail")).toEqual([minute, 5 * minute, 15 * minute, hour, 4 * hour, 12 * hour, 24 * hour]));

test.each(["standard-webhooks", "copecart", "digistore24", "mail"] as const)(
  "%s: a wait is anywhere between a second and its longest, evenly, and ends with the last attempt",
  (schedule) => {
    const longest = waits(schedule);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: attemptsOf(schedule) - 1 }),
        fc.double({ min: 0, max: almostOne, noNaN: true }),
        (attempts, random) => {
          const ms = nextAttemptMs(schedule, attempts, random);
          expect(ms).toBeCloseTo(Math.max(1000, random * longest[attempts - 1]!), 3);
        },
      ),
    );
    expect(nextAttemptMs(schedule, attemptsOf(schedule), 0)).toBeUndefined();
    expect(nextAttemptMs(schedule, attemptsOf(schedule) + 5, 0)).toBeUndefined();
  },
);

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
