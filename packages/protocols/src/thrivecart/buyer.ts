import type { Buyer } from "../domain/fact.ts";
import { email, isTrue, label, type Values } from "../values.ts";
import { field, part } from "./message.ts";

/**
 * Who bought.
 * @returns undefined where the address is missing, unless the person was taken out of the message
 * Source: ThriveCart "Using webhook notifications", customer, passthrough
 */
export function buyerOf(values: Values): Buyer | undefined {
  const customer = part(values, "customer");
  const address = email(field(customer, "email"));
  if (address === undefined) return isTrue(field(values, "redacted")) ? { email: "" } : undefined;
  const words = label(field(customer, "name"))?.split(/\s+/) ?? [];
  const given = label(field(customer, "first_name")) ?? label(field(customer, "firstname"));
  const family = label(field(customer, "last_name")) ?? label(field(customer, "lastname"));
  const whole = given ?? family;
  const firstName = whole ? given : words.slice(0, -1).join(" ");
  const lastName = whole ? family : words.at(-1);
  const company = label(field(customer, "business_name"));
  const country = label(field(customer, "address", "country"))?.toUpperCase();
  const reference = referenceOf(values);
  return {
    email: address,
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(company && { company }),
    ...(country && /^[A-Z]{2}$/.test(country) && { country }),
    ...(reference && { reference }),
  };
}

/** `passthrough[reference]`, or the only thing that was passed through. */
function referenceOf(values: Values): string | undefined {
  const passed = part(values, "passthrough");
  const [only, ...others] = Object.values(passed);
  return label(field(passed, "reference")) ?? (others.length === 0 ? label(only) : undefined);
}
