import * as fc from "fast-check";
import { expect, test } from "vitest";
import { split } from "./split.ts";

const line = (productId: string, weight: bigint | undefined) => ({ productId, weight });

test("what is paid beyond the prices is shared in proportion", () => {
  expect(split([line("a", 3000n), line("b", 1000n)], 4400n)).toEqual([
    { productId: "a", minor: 3300n },
    { productId: "b", minor: 1100n },
  ]);
});

test("without prices, or with nothing but free products, each gets the same", () => {
  expect(split([line("a", 3000n), line("b", undefined)], 101n).map(({ minor }) => minor)).toEqual([50n, 51n]);
  expect(split([line("a", 0n), line("b", 0n)], 100n).map(({ minor }) => minor)).toEqual([50n, 50n]);
});

test("a free product beside a paid one costs nothing and is still there", () => {
  expect(split([line("a", 500n), line("gift", 0n)], 500n)).toEqual([
    { productId: "a", minor: 500n },
    { productId: "gift", minor: 0n },
  ]);
});

test("two lines of one product are one, with the quantity of both", () => {
  expect(split([{ ...line("a", 1n), quantity: 2 }, line("a", 1n)], 10n)).toEqual([
    { productId: "a", quantity: 3, minor: 10n },
  ]);
});

test("the parts make up the whole and none is negative", () => {
  const lines = fc.array(
    fc.record({
      productId: fc.constantFrom("a", "b", "c"),
      weight: fc.option(fc.bigInt(-5n, 99_999n), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(lines, fc.bigInt(0n, 10_000_000n), (lines, whole) => {
      const shares = split(lines, whole);
      expect(shares.reduce((sum, { minor }) => sum + minor, 0n)).toBe(whole);
      expect(shares.every(({ minor }) => minor >= 0n)).toBe(true);
    }),
  );
});
