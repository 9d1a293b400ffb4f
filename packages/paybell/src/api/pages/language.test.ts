import { expect, test } from "vitest";
import { pageLanguage } from "./language.ts";

test.each([
  [undefined, "en"],
  ["", "en"],
  ["de", "de"],
  ["de-AT,de;q=0.9,en;q=0.8", "de"],
  ["fr-FR, en;q=0.4, de;q=0.5", "de"],
  ["en-GB,en", "en"],
  ["de;q=0, en;q=0.1", "en"],
  ["nl, *;q=0.5", "en"],
  ["den, ender", "en"],
  ["de;q=abc", "de"],
] as const)("%j is answered in %s", (header, expected) => {
  expect(pageLanguage(header, "en")).toBe(expected);
});
