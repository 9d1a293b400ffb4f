import type { Buyer } from "../domain/fact.ts";
import { isRedacted } from "./fields.ts";
import { address, label, text, type Values } from "./read.ts";

/**
 * Who bought: of several fields for the same, the first that is filled in.
 * @returns undefined where no address is told; the order's other calls tell it
 * Source: Digistore24 "IPN", parameters
 */
export function buyerOf(values: Values): Buyer | undefined {
  const email = address(text(values, "email", "buyer_email", "address_email"));
  if (email === undefined) return isRedacted(values) && values.has("email") ? { email: "" } : undefined;
  const firstName = label(text(values, "buyer_first_name", "address_first_name", "billing_first_name"));
  const lastName = label(text(values, "buyer_last_name", "address_last_name", "billing_last_name"));
  const company = label(text(values, "address_company", "buyer_address_company", "billing_company"));
  const country = text(values, "address_country", "buyer_address_country", "billing_country").trim().toUpperCase();
  const language = text(values, "buyer_language").trim();
  const reference = label(text(values, "custom"));
  return {
    email,
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(company && { company }),
    ...(/^[A-Z]{2}$/.test(country) && { country }),
    ...(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(language) && { language }),
    ...(reference && { reference }),
  };
}
