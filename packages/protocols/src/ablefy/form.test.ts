import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytes, vector } from "./fixtures/vectors.ts";
import { readForm } from "./form.ts";

const read = (text: string) => readForm(bytes(text));

test("names with brackets nest, and text is decoded as UTF-8", () => {
  expect(read("payer%5Bemail%5D=a%40example.com&payer[first_name]=J%C3%B6rg+M&a[b][c]=1")).toEqual({
    payer: { email: "a@example.com", first_name: "Jörg M" },
    a: { b: { c: "1" } },
  });
});

test("an element of a list begins when a name repeats, not at every bracket", () => {
  const rates = read(vector("payment-successful-form").body)?.["payments_schedule"];
  expect(rates).toEqual([
    { rate: "1", state: "paid", amount: "29.0", date: "02.03.2026" },
    { rate: "2", state: "to_be_paid", amount: "29.0", date: "02.04.2026" },
  ]);
  expect(read("a[]=1&a[]=2&b[][x][y]=1&b[][x][z]=2")).toEqual({ a: ["1", "2"], b: [{ x: { y: "1", z: "2" } }] });
});

test("an empty value may be a bare name without a sign of equality", () => {
  expect(read("refunded_transfer_id&id=1&x=")).toEqual({ refunded_transfer_id: "", id: "1", x: "" });
});

test("names that mean something to JavaScript are fields like any other", () => {
  const values = read("__proto__[polluted]=1&constructor[prototype][polluted]=1&a[__proto__][polluted]=1");
  expect(Object.keys(values ?? {})).toEqual(["__proto__", "constructor", "a"]);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("names of no shape, too deep ones and those that contradict others are left out", () => {
  expect(read("a]b=1&[x]=1&a[b=1&d[1][2][3][4][5][6]=1&x=1&x[y]=2&l[]=1&l[z]=2&m[y]=1&m[]=2")).toEqual({
    x: "1",
    l: ["1"],
    m: { y: "1" },
  });
});

test("what is not UTF-8 is no form", () => {
  expect(readForm(new Uint8Array([0x61, 0x3d, 0xff]))).toBeUndefined();
});

test("no bytes make reading throw", () => {
  const text = fc.stringMatching(/^([a-c_]{0,3}(\[[a-c]?\]){0,4}=?[0-9]?&?){0,12}$/);
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), text.map(bytes)), (body) => {
      expect(typeof readForm(new Uint8Array(body))).toMatch(/object|undefined/);
    }),
    { numRuns: 1000 },
  );
});
