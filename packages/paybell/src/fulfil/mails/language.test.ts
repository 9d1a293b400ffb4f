import { expect, test } from "vitest";
import { chooseLanguage } from "./language.ts";

test.each([
  [{ language: "de" }, "en", "de"],
  [{ language: "DE-at", country: "US" }, "en", "de"],
  [{ language: "en_US", country: "DE" }, "de", "en"],
  [{ language: " en " }, "de", "en"],
  [{ language: "fr", country: "AT" }, "en", "de"],
  [{ language: "fr", country: "FR" }, "de", "en"],
  [{ language: "den" }, "en", "en"],
  [{ country: "ch" }, "en", "de"],
  [{ country: "LI" }, "en", "de"],
  [{ country: "LU" }, "en", "de"],
  [{ country: "US" }, "de", "en"],
  [{ country: "ZZ" }, "de", "de"],
  [{ country: "XX" }, "de", "de"],
  [{ country: "Germany" }, "de", "de"],
  [{ language: "", country: "" }, "de", "de"],
  [{}, "en", "en"],
] as const)("a buyer %o of a shop that writes %s gets %s", (buyer, fallback, language) => {
  expect(chooseLanguage(buyer, fallback)).toBe(language);
});
