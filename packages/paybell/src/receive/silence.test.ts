import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unusualFrom } from "./silence.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const week = 7 * day;
/** A Monday, 00:00 UTC. */
const start = Date.parse("2026-01-05T00:00:00Z");

function every(ms: number, until: number, fits: (at: number) => boolean = () => true): number[] {
  return Array.from({ length: Math.ceil(until / ms) }, (_, n) => start + n * ms).filter((at) => fits(at));
}

function byDay(at: number): boolean {
  const hours = new Date(at).getUTCHours();
  return hours >= 8 && hours < 20;
}

function onWorkdays(at: number): boolean {
  return byDay(at) && new Date(at).getUTCDay() % 6 !== 0;
}

/** Hours from the last arrival until silence is unusual. */
function patience(arrivals: readonly number[]): number {
  return (unusualFrom(arrivals)! - Math.max(...arrivals)) / hour;
}

/** Whether a connection would have been called silent at any time while these arrived. */
function isEverSilent(arrivals: readonly number[]): boolean {
  return arrivals.some((at, index) => {
    const from = unusualFrom(arrivals.slice(0, index + 1));
    return from !== null && from < (arrivals[index + 1] ?? at);
  });
}

describe("what each rhythm makes of silence", () => {
  test.each<[string, number[], number, number]>([
    ["every ten minutes, day and night: within hours", every(10 * minute, 4 * week), 2, 5],
    [
      "every ten minutes by day, in the afternoon: within hours",
      every(10 * minute, 4 * week, byDay).slice(0, -36),
      2,
      5,
    ],
    ["every ten minutes by day, in the evening: the next morning", every(10 * minute, 4 * week, byDay), 13, 18],
    ["by day on workdays, on Friday evening: on Monday", every(10 * minute, 4 * week, onWorkdays), 61, 67],
    ["every hour: within hours", every(hour, 4 * week), 2, 5],
    ["four a day: within two days", every(6 * hour, 6 * week), 12, 48],
    ["one a day: within eight days", every(day, 8 * week), 48, 8 * 24],
    ["one a week: not in the second and third week", every(week, 20 * week), 2 * 168, 8 * 168],
    ["one every two weeks: not within five weeks", every(2 * week, 26 * week), 5 * 168, 20 * 168],
  ])("%s", (_, arrivals, least, most) => {
    const hours = patience(arrivals);
    expect(hours).toBeGreaterThan(least);
    expect(hours).toBeLessThanOrEqual(most);
  });

  test("a shop by day that falls silent in the evening is called silent before noon of the next day", () => {
    const evening = every(10 * minute, 4 * week, byDay);
    const from = new Date(unusualFrom(evening)!);
    expect(from.getUTCHours()).toBeGreaterThanOrEqual(9);
    expect(from.getUTCHours()).toBeLessThanOrEqual(12);
  });
});

describe("too little to know a rhythm by", () => {
  test.each<[string, number[]]>([
    ["nothing", []],
    ["one arrival", [start]],
    ["seven arrivals in half a year", every(4 * week, 28 * week)],
    ["a hundred within one hour", every(minute / 2, 50 * minute)],
    ["every minute, for thirteen days", every(minute, 13 * day)],
  ])("%s is never silent", (_, arrivals) => {
    expect(unusualFrom(arrivals)).toBeNull();
  });
});

/** Hours of the week in which something arrives, always the same. */
const pattern = fc.uniqueArray(fc.integer({ min: 0, max: 167 }), { minLength: 1, maxLength: 60 });

function repeated(hours: readonly number[], weeks: number): number[] {
  return Array.from({ length: weeks }, (_, n) => hours.map((at) => start + n * week + at * hour))
    .flat()
    .toSorted((a, b) => a - b);
}

test("what goes on as regularly as before is never silent, whatever the week looks like", () =>
  fc.assert(
    fc.property(pattern, fc.integer({ min: 3, max: 12 }), (hours, weeks) => {
      expect(isEverSilent(repeated(hours, weeks))).toBe(false);
    }),
    { numRuns: 60 },
  ));

test("what goes on as regularly as before is never silent, whatever its period and though it is not exact", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.array(fc.double({ min: -0.2, max: 0.2, noNaN: true }), { minLength: 30, maxLength: 60 }),
      (hours, shifts) => {
        expect(isEverSilent(shifts.map((shift, n) => start + (n + shift) * hours * hour))).toBe(false);
      },
    ),
    { numRuns: 60 },
  ));

test("when clocks are changed, nobody falls silent", () => {
  const shifted = (ms: number) => [
    ...every(10 * minute, 4 * week, byDay),
    ...every(10 * minute, week, byDay).map((at) => at + 4 * week + ms),
  ];
  expect(isEverSilent(shifted(hour))).toBe(false);
  expect(isEverSilent(shifted(-hour))).toBe(false);
});

const arrivalsAtRandom = fc
  .array(fc.integer({ min: 1, max: 300 * 60 }), { minLength: 10, maxLength: 150 })
  .map((gaps) => gaps.reduce((all, gap) => [...all, all.at(-1)! + gap * minute], [start]))
  .filter((arrivals) => arrivals.at(-1)! - start > 2 * week + hour && new Set(arrivals.map(hourOf)).size >= 8);

function hourOf(at: number): number {
  return Math.floor(at / hour);
}

test("silence of nine times the longest gap and two weeks is unusual for everyone", () =>
  fc.assert(
    fc.property(arrivalsAtRandom, (arrivals) => {
      const longest = Math.max(...arrivals.slice(1).map((at, index) => at - arrivals[index]!));
      expect(unusualFrom(arrivals)! - arrivals.at(-1)!).toBeLessThan(9 * longest + 2 * week);
    }),
  ));

test("the last arrival of each hour says as much as all, in any order", () =>
  fc.assert(
    fc.property(arrivalsAtRandom, (arrivals) => {
      const lastOfEach = [...new Map(arrivals.map((at) => [hourOf(at), at])).values()];
      expect(unusualFrom(lastOfEach.toReversed())).toBe(unusualFrom(arrivals));
    }),
  ));

test("silence is unusual only after the last arrival, and after nobody listened", () =>
  fc.assert(
    fc.property(arrivalsAtRandom, fc.integer({ min: 0, max: 2000 }), (arrivals, hours) => {
      const heardFrom = arrivals.at(-1)! + hours * hour;
      expect(unusualFrom(arrivals)).toBeGreaterThan(arrivals.at(-1)!);
      expect(unusualFrom(arrivals, heardFrom)).toBeGreaterThan(heardFrom + hour);
      expect(unusualFrom(arrivals, start)).toBe(unusualFrom(arrivals));
    }),
  ));

test("a failure of three days is not learned: the next is noticed as soon", () => {
  const failed = every(10 * minute, 5 * week, (at) => at < start + 20 * day || at > start + 23 * day);
  expect(isEverSilent(failed)).toBe(true);
  expect(patience(failed)).toBeLessThanOrEqual(6);
});

test("a silence that comes again and again is learned", () => {
  const closedOnTuesdays = (at: number) => new Date(at).getUTCDay() !== 2;
  expect(isEverSilent(every(10 * minute, 6 * week, closedOnTuesdays))).toBe(false);
});

test("chance alone makes nobody silent twice a year", () => {
  const draw = generator(7);
  for (const perDay of [0.3, 1, 3, 20]) {
    const arrivals = [start];
    while (arrivals.at(-1)! < start + 52 * week) arrivals.push(arrivals.at(-1)! - (Math.log(draw()) / perDay) * day);
    const hours = [...new Map(arrivals.map((at) => [hourOf(at), at])).values()];
    const alarms = hours.slice(1).filter((at, index) => {
      const from = at - hours[index]! < 6 * hour ? null : unusualFrom(hours.slice(Math.max(0, index - 671), index + 1));
      return from !== null && from < at;
    });
    expect(alarms.length, `${perDay} a day`).toBeLessThan(2);
  }
});

/** Numbers above 0 and up to 1, the same in every run. Source: Numerical Recipes, 7.1 (linear congruential) */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return (state + 1) / 2 ** 32;
  };
}
