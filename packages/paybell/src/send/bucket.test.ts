import fc from "fast-check";
import { expect, test } from "vitest";
import { type Bucket, createBucket } from "./bucket.ts";

const rates = fc.oneof(
  fc.double({ min: 0.01, max: 20, noNaN: true }),
  fc.double({ min: 20, max: 10_000, noNaN: true }),
);

/** Lets through all it can between two instants, asking again whenever told to. @returns when each passed */
function drain(bucket: Bucket, from: number, to: number): number[] {
  const passed: number[] = [];
  for (let now = from; now < to; ) {
    const wait = bucket.wait(now);
    if (wait > 0) now += wait;
    else {
      bucket.pass(now);
      passed.push(now);
    }
    if (passed.length > 100_000) throw new Error("It lets everything through.");
  }
  return passed;
}

/** The most within any span: its worth at the rate, and what may pass at once. */
function expectWithin(passed: readonly number[], rate: number): void {
  const atOnce = Math.max(1, (rate * 50) / 1000);
  let worst = 0;
  for (let first = 0; first < passed.length; first++) {
    for (let last = first; last < passed.length; last++) {
      const worth = (rate * (passed[last]! - passed[first]!)) / 1000;
      worst = Math.max(worst, last - first + 1 - worth - atOnce);
    }
  }
  expect(worst).toBeLessThan(1e-3);
}

test("without a rate nothing waits", () => {
  const bucket = createBucket(undefined, 0);
  for (let n = 0; n < 1000; n++) {
    expect(bucket.wait(0)).toBe(0);
    bucket.pass(0);
  }
});

test("the first one passes at once, at any rate", () =>
  fc.assert(
    fc.property(rates, (rate) => {
      expect(createBucket(rate, 1000).wait(1000)).toBe(0);
    }),
  ));

test("no span of time sees more than its rate and a twentieth of a second's worth", () =>
  fc.assert(
    fc.property(rates, (rate) => {
      const spanMs = (200 / rate) * 1000;
      expectWithin(drain(createBucket(rate, 0), 0, spanMs), rate);
    }),
    { numRuns: 50 },
  ));

test("it lets through what it may: after a second at full use, its rate", () => {
  expect(drain(createBucket(100, 0), 0, 10_000).length).toBeGreaterThanOrEqual(1000);
  expect(drain(createBucket(0.5, 0), 0, 10_000)).toHaveLength(5);
});

test("a pause saves nothing up beyond what may pass at once", () => {
  const bucket = createBucket(100, 0);
  drain(bucket, 0, 1000);
  expect(drain(bucket, 100_000, 100_000.5).length).toBeLessThanOrEqual(5);
});

test("asking does not count", () => {
  const bucket = createBucket(1, 0);
  for (let n = 0; n < 100; n++) expect(bucket.wait(0)).toBe(0);
});

test("one bucket after another, each beginning where the one before ended, keeps to the rate", () =>
  fc.assert(
    fc.property(rates, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 6 }), (rate, uses) => {
      const passed: number[] = [];
      let now = 0;
      let last: number | undefined;
      for (const use of uses) {
        const bucket = createBucket(rate, now, last === undefined ? undefined : now - last);
        for (let n = 0; n < use; n++) {
          now += bucket.wait(now);
          bucket.pass(now);
          passed.push(now);
          last = now;
        }
      }
      expectWithin(passed, rate);
    }),
  ));

test("a clock of whoever had it before that runs ahead delays by no more than one gap", () =>
  expect(createBucket(2, 0, -3_600_000).wait(0)).toBe(500));
