import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Currency, formatMajor, minorDigits, parseCurrency, parseMinor } from "./money.ts";

const currency = (code: string): Currency => {
  const known = parseCurrency(code);
  if (!known) throw new Error(`${code} is not a currency`);
  return known;
};

test.each([
  ["119.0", "EUR", 11900n],
  ["23.8", "EUR", 2380n],
  ["1190.5", "EUR", 119050n],
  ["0", "EUR", 0n],
  ["0.0", "EUR", 0n],
  ["-59.5", "EUR", -5950n],
  [" 29.90 ", "EUR", 2990n],
  ["29.9000", "EUR", 2990n],
  ["500", "JPY", 500n],
  ["500.0", "JPY", 500n],
  ["1.5", "KWD", 1500n],
  ["1.5", "CLF", 15000n],
  [119, "EUR", 11900n],
  [57.6, "EUR", 5760n],
  [19.99, "EUR", 1999n],
  [-0, "EUR", 0n],
  ["999999999999999.99", "EUR", 99999999999999999n],
])("%s %s is %s minor units", (value, code, minor) => {
  expect(parseMinor(value, currency(code))).toBe(minor);
});

test.each([
  "29,90",
  "1,000.00",
  "1.000,00",
  "1e3",
  "1E3",
  "",
  " ",
  ".5",
  "5.",
  "+5",
  "--5",
  "0x10",
  "NaN",
  "29.905",
  "1000000000000000",
  null,
  undefined,
  true,
  {},
  [],
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e21,
  1e-7,
  5e-324,
  0.1 + 0.2,
  "1٢",
  "1\n2",
])("%j is no amount of euros", (value) => {
  expect(parseMinor(value, currency("EUR"))).toBeUndefined();
});

test("a fraction of a yen is refused instead of rounded", () => {
  expect(parseMinor("500.5", currency("JPY"))).toBeUndefined();
});

test.each([
  [11900n, "EUR", "119.0"],
  [2380n, "EUR", "23.8"],
  [9317n, "EUR", "93.17"],
  [0n, "EUR", "0.0"],
  [5n, "EUR", "0.05"],
  [-5950n, "EUR", "-59.5"],
  [-5n, "EUR", "-0.05"],
  [500n, "JPY", "500.0"],
  [1500n, "KWD", "1.5"],
])("%s minor units of %s are written %s", (minor, code, text) => {
  expect(formatMajor({ minor, currency: currency(code) })).toBe(text);
});

test("an amount that was written is read back as the same amount", () => {
  const codes = fc.constantFrom("EUR", "JPY", "KWD", "CLF", "USD").map(currency);
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 15n - 1n), max: 10n ** 15n - 1n }), codes, (minor, code) => {
      expect(parseMinor(formatMajor({ minor, currency: code }), code)).toBe(minor);
    }),
  );
});

test("an amount with two places survives its way through a JSON number", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 11 }), (cents) => {
      const text = formatMajor({ minor: BigInt(cents), currency: currency("EUR") });
      expect(parseMinor(JSON.parse(text), currency("EUR"))).toBe(BigInt(cents));
    }),
  );
});

test("whatever is given as an amount, reading it never throws", () => {
  fc.assert(fc.property(fc.anything(), (value) => void parseMinor(value, currency("EUR"))));
});

test.each([
  ["EUR", "EUR"],
  [" eur ", "EUR"],
  ["usd", "USD"],
])("%j is the currency %s", (text, code) => {
  expect(parseCurrency(text)).toBe(code);
});

test.each(["", "EU", "EURO", "€", "ABC", "XXX", null, undefined, 978, ["EUR"]])(
  "%j is no currency, for nobody knows how many places it has",
  (value) => {
    expect(parseCurrency(value)).toBeUndefined();
  },
);

test.each([
  ["EUR", 2],
  ["JPY", 0],
  ["KWD", 3],
  ["UYW", 4],
])("%s has %s places", (code, digits) => {
  expect(minorDigits(currency(code))).toBe(digits);
});
