import type { Language } from "../../domain/mail.ts";

/**
 * The language a buyer's mails are written in: the buyer's own where we have it, else the country's, else the shop's.
 * @param buyer `language` as the provider writes it (`de`, `de-AT`, `en_US`), `country` as ISO 3166-1 alpha-2
 */
export function chooseLanguage(
  buyer: { readonly language?: string | undefined; readonly country?: string | undefined },
  fallback: Language,
): Language {
  const spoken = /^\s*(de|en)(?![a-z])/i.exec(buyer.language ?? "")?.[1]?.toLowerCase();
  if (spoken === "de" || spoken === "en") return spoken;
  const country = buyer.country?.trim().toUpperCase() ?? "";
  if (germanSpeaking.has(country)) return "de";
  return isCountry(country) ? "en" : fallback;
}

const germanSpeaking = new Set(["DE", "AT", "CH", "LI", "LU"]);
const countries = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });

function isCountry(code: string): boolean {
  // ZZ is CLDR's "unknown region", which some providers send for a missing country.
  return /^[A-Z]{2}$/.test(code) && code !== "ZZ" && countries.of(code) !== undefined;
}
