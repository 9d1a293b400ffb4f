import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytes, vectors } from "./fixtures/vectors.ts";
import { readForm } from "./form.ts";

function fieldsOf(body: Uint8Array): Record<string, string> {
  const read = readForm(body);
  if (!read.ok) throw new Error(read.code);
  return Object.fromEntries(read.form);
}

test.each(vectors.filter(({ decoded }) => decoded))("$name is decoded by the charset it names", ({ body, decoded }) => {
  expect(fieldsOf(bytes(body))).toMatchObject(decoded ?? {});
});

test.each([
  ["Shift_JIS", "%83e%83X%83g", "テスト"],
  ["gb2312", "%D6%D0%CE%C4", "中文"],
  ["KOI8_R", "%D4%C5%D3%D4", "тест"],
  ["UTF-8", "T%C3%B6pfern", "Töpfern"],
  ["windows-1252", "10+%80", "10 €"],
])("a name in %s is read, whether the charset stands before or behind it", (charset, encoded, name) => {
  expect(fieldsOf(bytes(`item_name=${encoded}&charset=${charset}`))["item_name"]).toBe(name);
  expect(fieldsOf(bytes(`charset=${charset}&item_name=${encoded}`))["item_name"]).toBe(name);
});

test("without a charset it is the one of an account that never chose: windows-1252", () => {
  expect(fieldsOf(bytes("first_name=J%F6rg"))).toEqual({ first_name: "Jörg" });
});

test("every byte of windows-1252 is the letter of its table", () => {
  const all = Array.from({ length: 32 }, (_, n) => `%${(0x80 + n).toString(16)}`).join("");
  const letters = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";
  for (const charset of ["windows-1252", "ISO-8859-1", "Latin1"])
    expect(fieldsOf(bytes(`a=${all}&charset=${charset}`))["a"]).toBe(letters);
});

test("a charset nobody can decode is refused by its code, and not guessed", () => {
  for (const charset of ["x-klingon", "iso-2022-kr", "UTF-7"])
    expect(readForm(bytes(`first_name=J%F6rg&charset=${charset}`))).toMatchObject({
      ok: false,
      code: "unreadable_charset",
    });
});

test("a byte the charset does not know costs that letter alone", () => {
  expect(fieldsOf(bytes("first_name=J%F6rg&txn_id=T1&charset=UTF-8"))).toMatchObject({
    first_name: "J\uFFFDrg",
    txn_id: "T1",
  });
});

test("a percent sign without two hex digits stands for itself, and a plus is a space", () => {
  expect(fieldsOf(bytes("memo=100%+sure%zz%4&charset=UTF-8"))["memo"]).toBe("100% sure%zz%4");
});

test("a name given twice has its first value", () => {
  expect(fieldsOf(bytes("receiver_email=a&receiver_email=b"))).toEqual({ receiver_email: "a" });
});

test("what browsers write is read as they meant it", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.string({ unit: "grapheme" })), (fields) => {
      const form = new URLSearchParams({ ...fields, charset: "UTF-8" });
      const expected = Object.fromEntries([...form].map(([name, value]) => [name, value.replace(/^\uFEFF/, "")]));
      expect(fieldsOf(bytes(form.toString()))).toEqual(expected);
    }),
  );
});
