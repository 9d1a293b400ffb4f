import type { Buyer } from "../domain/fact.ts";
import { email, label, type Values, word } from "../values.ts";

/**
 * Who bought.
 * @returns undefined where the address is missing, unless the person was taken out of the message
 */
export function buyerOf(values: Values): Buyer | undefined {
  const address = email(values["buyer_email"]);
  if (address === undefined && !(values["redacted"] === true && values["buyer_email"] === null)) return undefined;
  const firstName = label(values["buyer_firstname"]);
  const lastName = label(values["buyer_lastname"]);
  const company = label(values["buyer_company_name"]);
  const country = countryOf(values);
  const reference = label(values["metadata"]);
  return {
    email: address ?? "",
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(company && { company }),
    ...(country && { country }),
    ...(reference && { reference }),
  };
}

/** The code, or where an older message has none, what the German name says. */
function countryOf(values: Values): string | undefined {
  const code = word(values["buyer_country_code"]).toUpperCase();
  return /^[A-Z]{2}$/.test(code) ? code : countries.get(word(values["buyer_country"]));
}

const countries: ReadonlyMap<string, string> = new Map([
  ["deutschland", "DE"],
  ["österreich", "AT"],
  ["schweiz", "CH"],
]);
