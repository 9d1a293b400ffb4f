import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytes } from "./fixtures/vectors.ts";
import { readForm, writeForm } from "./form.ts";

test.each([
  ["a=1&b=2", { a: "1", b: "2" }],
  ["a=1&a=2", { a: "2" }],
  ["a=b+c%2Bd%26e", { a: "b c+d&e" }],
  ["n=J%C3%B6rg", { n: "Jörg" }],
  ["a", { a: "" }],
  ["?a=1", { "?a": "1" }],
  ["\uFEFFa=1", { "\uFEFFa": "1" }],
  ["", {}],
])("the form %j says %j", (body, fields) => {
  expect(Object.fromEntries(readForm(bytes(body)))).toEqual(fields);
});

test("any fields that are written are read back", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_]{1,20}$/);
  const value = fc.string({ unit: "grapheme" });
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, value), { selector: ([name]) => name }), (fields) => {
      expect([...readForm(bytes(writeForm(fields)))]).toEqual(fields);
    }),
  );
});

test.each(["", "a.b", "a b", "a[0]", "ä", "a-b"])("a field named %j is not written", (name) => {
  expect(() => writeForm([[name, "1"]])).toThrow("field_name_malformed");
});
