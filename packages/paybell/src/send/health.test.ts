import fc from "fast-check";
import { expect, test } from "vitest";
import { afterFailure, breaker, type Health, wellHealth } from "./health.ts";

const start = Date.parse("2026-03-10T09:15:00Z");
const longest = 1 - 2 ** -53;

function failed(times: number, at = start, random = longest): Health {
  let health = wellHealth;
  for (let n = 0; n < times; n++) health = afterFailure(health, at, random);
  return health;
}

test("four failures in a row leave it closed, the fifth opens it", () => {
  expect(breaker(failed(4), start)).toBe("closed");
  expect(breaker(failed(5), start)).toBe("open");
});

test("failing begins with the first failure and stays at it", () => {
  const first = afterFailure(wellHealth, start, 0.5);
  expect(first).toEqual({ failures: 1, failingSince: start, calledAt: start, openUntil: null });
  expect(afterFailure(first, start + 5000, 0.5).failingSince).toBe(start);
});

test("it is open for a second, twice as long after each failed probe, and never for more than a minute", () => {
  let health = failed(5);
  let now = start;
  const periods: number[] = [];
  for (let probe = 0; probe < 9; probe++) {
    periods.push(Math.round(health.openUntil! - now));
    now = health.openUntil!;
    health = afterFailure(health, now, longest);
  }
  expect(periods).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test("it opens for at least half its period, so that no address is asked without pause", () =>
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: longest, noNaN: true }),
      fc.integer({ min: 5, max: 1000 }),
      (random, failures) => {
        const health = afterFailure(
          { failures: failures - 1, failingSince: start, calledAt: start, openUntil: null },
          start,
          random,
        );
        const period = Math.min(60_000, 1000 * 2 ** (failures - 5));
        expect(health.openUntil! - start).toBeGreaterThanOrEqual(period / 2);
        expect(health.openUntil! - start).toBeLessThanOrEqual(period);
      },
    ),
  ));

test("when its time is over one may try", () => {
  const health = failed(5);
  expect(breaker(health, health.openUntil! - 1)).toBe("open");
  expect(breaker(health, health.openUntil!)).toBe("probe");
});

test("calls that were under way when it opened do not open it for longer", () => {
  const health = failed(5);
  expect(afterFailure(health, start + 10, longest)).toEqual(health);
  expect(afterFailure(health, start + 10, longest, 3_600_000)).toEqual(health);
});

test.each([
  [0, 0],
  [30_000, 30_000],
  [6 * 3_600_000, 6 * 3_600_000],
  [7 * 86_400_000, 6 * 3_600_000],
])("asked for %s ms of quiet it keeps %s ms, from the first failure on", (asked, kept) => {
  const health = afterFailure(wellHealth, start, 0.5, asked);
  expect(health).toEqual({ failures: 1, failingSince: start, calledAt: start, openUntil: start + kept });
});

test("the longer of what was asked and its own period counts", () => {
  expect(afterFailure(failed(4), start, longest, 10).openUntil).toBeGreaterThan(start + 900);
  expect(afterFailure(failed(4), start, longest, 90_000).openUntil).toBe(start + 90_000);
});

test("what failed before days of silence does not count as failing all the while", () => {
  const day = 86_400_000;
  const before = afterFailure(wellHealth, start, 0.5);
  expect(afterFailure(before, start + day, 0.5).failingSince).toBe(start);
  expect(afterFailure(before, start + 8 * day, 0.5)).toMatchObject({ failures: 1, failingSince: start + 8 * day });
});
