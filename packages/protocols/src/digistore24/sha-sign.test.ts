import { expect, test } from "vitest";
import { readForm } from "./form.ts";
import { bytes, vectors } from "./fixtures/vectors.ts";
import { shaDigest, shaSign } from "./sha-sign.ts";

const signed = vectors.filter(({ valid, name }) => valid && name !== "upper-case-key-convention");

test.each(signed)("$name is signed with exactly the published signature", async ({ body, secret }) => {
  const fields = readForm(bytes(body));
  expect(await shaSign(fields, secret)).toBe(fields.get("sha_sign")?.toUpperCase());
});

const same = async (one: [string, string][], other: [string, string][]) =>
  (await shaSign(new Map(one), "passphrase")) === (await shaSign(new Map(other), "passphrase"));

test("an empty value is not signed, and a zero is", async () => {
  expect(
    await same(
      [["a", "1"]],
      [
        ["a", "1"],
        ["b", ""],
      ],
    ),
  ).toBe(true);
  expect(
    await same(
      [["a", "1"]],
      [
        ["a", "1"],
        ["b", "0"],
      ],
    ),
  ).toBe(false);
  expect(
    await same(
      [["a", "1"]],
      [
        ["a", "1"],
        ["b", " "],
      ],
    ),
  ).toBe(false);
});

test("the order of the fields does not matter, and both names of the signature are left out", async () => {
  expect(
    await same(
      [
        ["a", "1"],
        ["B", "2"],
      ],
      [
        ["B", "2"],
        ["sha_sign", "x"],
        ["SHASIGN", "y"],
        ["Sha_Sign", "z"],
        ["a", "1"],
      ],
    ),
  ).toBe(true);
});

test("names are sorted by their bytes in UTF-8, not by units of UTF-16", async () => {
  // U+FF5E stands before U+1F331 in UTF-8 and after it in UTF-16.
  const text = "\uFF5E=1p\u{1F331}=2p";
  const expected = await crypto.subtle.digest("SHA-512", new TextEncoder().encode(text));
  const fields = new Map([
    ["\u{1F331}", "2"],
    ["\uFF5E", "1"],
  ]);
  expect(await shaDigest(fields, "p")).toEqual(new Uint8Array(expected));
});

test("in upper case a sharp s stays what it is", async () => {
  const expected = await crypto.subtle.digest("SHA-512", new TextEncoder().encode("AßÄä=1p"));
  expect(await shaDigest(new Map([["aßÄä", "1"]]), "p", "upper")).toEqual(new Uint8Array(expected));
});

test("nothing is signed with an empty passphrase", async () => {
  await expect(shaSign(new Map([["a", "1"]]), "")).rejects.toThrow("secret_missing");
});
