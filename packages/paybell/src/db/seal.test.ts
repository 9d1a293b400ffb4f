import { expect, test } from "vitest";
import { createSeal } from "./seal.ts";

const seal = createSeal(Buffer.alloc(32, 1));

test.each([["short"], ["ä".repeat(5000)], [""]])("opens what it sealed, %#", (text) =>
  expect(seal.open(seal.seal(text, "a"), "a")).toBe(text),
);

test("a long text is stored smaller than it is", () =>
  expect(seal.seal("mail ".repeat(2000), "a").length).toBeLessThan(500));

test("opens nothing that was moved, changed, or sealed under another key", () => {
  const sealed = seal.seal("secret", "connection:1");
  expect(() => seal.open(sealed, "connection:2")).toThrow();
  expect(() => createSeal(Buffer.alloc(32, 2)).open(sealed, "connection:1")).toThrow();
  for (let at = 1; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at] = changed[at]! ^ 1;
    expect(() => seal.open(changed, "connection:1")).toThrow();
  }
});

test("the same text never seals to the same bytes", () =>
  expect(seal.seal("x", "a").equals(seal.seal("x", "a"))).toBe(false));

test("a keyed hash depends on the key and on what it is about", () => {
  expect(seal.hash("1234", "code").equals(seal.hash("1234", "code"))).toBe(true);
  expect(seal.hash("1234", "code").equals(seal.hash("1234", "licence"))).toBe(false);
  expect(seal.hash("1234", "code").equals(createSeal(Buffer.alloc(32, 2)).hash("1234", "code"))).toBe(false);
});
