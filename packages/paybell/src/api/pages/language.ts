import type { Language } from "../../domain/mail.ts";

/**
 * The first of our languages a browser asks for.
 * @param header `Accept-Language`, such as `de-AT,de;q=0.9,en;q=0.8`
 * Source: RFC 9110, 12.5.4
 */
export function pageLanguage(header: string | undefined, fallback: Language): Language {
  const wishes = (header ?? "")
    .split(",")
    .slice(0, 30)
    .map((part) => {
      const [tag = "", ...parameters] = part.trim().toLowerCase().split(";");
      const weight = parameters.map((text) => /^\s*q=([\d.]+)\s*$/.exec(text)?.[1]).find((text) => text !== undefined);
      return { language: tag.split("-")[0], weight: weight === undefined ? 1 : Number(weight) };
    })
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight);
  for (const { language } of wishes) if (language === "de" || language === "en") return language;
  return fallback;
}
