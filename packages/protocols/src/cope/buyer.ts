import { email, label, type Values, word } from "../values.ts";
import type { Buyer } from "../domain/fact.ts";
import { objectIn } from "./ids.ts";
import type { Message } from "./message.ts";

/**
 * Who bought, as far as the message says.
 * @returns undefined where no address is named, unless the person was taken out of the message
 * Source: docs.cope.com, cart.order.completed; the place of client_reference_id is not documented
 */
export function buyerOf({ payload, redacted }: Message): Buyer | undefined {
  const values = objectIn(payload, "buyer");
  const address = email(values["email"]);
  if (address === undefined) return redacted && "buyer" in payload ? { email: "" } : undefined;
  const firstName = label(values["first_name"]) ?? label(values["name"]);
  const lastName = label(values["last_name"]);
  const company = label(values["company_name"]) ?? label(values["company"]);
  const country = countryOf(values) ?? countryOf(objectIn(values, "address"));
  const language = label(values["language"], 35) ?? label(values["locale"], 35);
  const reference = referenceOf(payload);
  return {
    email: address,
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(company && { company }),
    ...(country && { country }),
    ...(language && { language }),
    ...(reference && { reference }),
  };
}

function countryOf(values: Values): string | undefined {
  return [values["country_code"], values["country"]]
    .map((value) => word(value).toUpperCase())
    .find((code) => /^[A-Z]{2}$/.test(code));
}

function referenceOf(payload: Values): string | undefined {
  return [payload, ...["order", "payment", "buyer"].map((name) => objectIn(payload, name))]
    .map((values) => label(values["client_reference_id"]))
    .find((reference) => reference !== undefined);
}
