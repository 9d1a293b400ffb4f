import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseCurrency } from "../domain/money.ts";
import { moneyOf, share } from "./amounts.ts";

test.each([
  [2990, "eur", 2990n],
  [500, "jpy", 500n],
  [5120, "kwd", 5120n],
  [500, "isk", 5n],
  [500, "ugx", 5n],
  [501, "isk", 5n],
  [500, "mga", 50000n],
  [0, "usd", 0n],
])("%i %s is %s minor units of ISO 4217", (value, currency, minor) => {
  expect(moneyOf(value, currency)).toEqual({ minor, currency: currency.toUpperCase() });
});

test.each([
  [-1, "eur"],
  [1.5, "eur"],
  ["100", "eur"],
  [Number.NaN, "eur"],
  [2 ** 60, "eur"],
  [100, "abc"],
  [100, null],
])("%j %j is no amount", (value, currency) => {
  expect(moneyOf(value, currency)).toBeUndefined();
});

test("the parts make up the whole, and none is negative", () => {
  const currency = parseCurrency("EUR")!;
  const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1 });
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), weights, (minor, given) => {
      const parts = share({ minor, currency }, given).map((part) => part.minor);
      expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(minor);
      expect(parts.every((part) => part >= 0n)).toBe(true);
    }),
  );
});
