import * as fc from "fast-check";
import { expect, test } from "vitest";
import { inside, readValues } from "./der.ts";

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

test("values that stand side by side are read with their tags, contents and whole bytes", () => {
  expect(readValues(bytes("0201050c0161"))).toEqual([
    { tag: 0x02, content: bytes("05"), whole: bytes("020105") },
    { tag: 0x0c, content: bytes("61"), whole: bytes("0c0161") },
  ]);
});

test("a length of more than one byte is read", () => {
  const content = "00".repeat(300);
  expect(readValues(bytes(`0482012c${content}`))?.[0]?.content).toHaveLength(300);
});

test.each([
  ["a length that reaches too far", "020501"],
  ["no length", "02"],
  ["a length left open", "30800000"],
  ["a length longer than it needs to be", "02810105"],
  ["a length with a leading zero", "04820080".concat("00".repeat(128))],
  ["a length of more than three bytes", "048400000001aa"],
  ["a tag of more than one byte", "1f0101aa"],
  ["a value and half another", "020105020"],
])("%s is not DER", (_, hex) => {
  expect(readValues(bytes(hex.length % 2 === 0 ? hex : hex.slice(0, -1)))).toBeUndefined();
});

test("what is inside is read only of the tag that is expected", () => {
  const [sequence] = readValues(bytes("3003020105")) ?? [];
  expect(inside(sequence, 0x30)).toHaveLength(1);
  expect(inside(sequence, 0x31)).toBeUndefined();
  expect(inside(undefined, 0x30)).toBeUndefined();
});

test("never throws, and what is read makes up the whole again", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (noise) => {
      const read = readValues(new Uint8Array(noise));
      if (read) expect(read.flatMap(({ whole }) => [...whole])).toEqual([...noise]);
    }),
  );
});
