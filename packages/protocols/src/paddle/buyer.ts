import { email, label } from "../values.ts";
import type { Buyer } from "../domain/fact.ts";
import type { Message } from "./message.ts";
import { inside } from "../objects.ts";
import { replied } from "./replied.ts";

/**
 * Who bought: the customer Paddle told about, otherwise `custom_data.email`, which the seller's checkout passed.
 * `custom_data.reference` is the reference.
 * @returns undefined where neither is known; the person taken out of the message stays out, whatever was replied
 */
export function buyerOf({ data, known, redacted }: Message): Buyer | undefined {
  const custom = inside(data, "custom_data");
  const customer = replied(known, data["customer_id"]);
  if (redacted) return { email: "" };
  const address = email(customer?.["email"]) ?? email(custom["email"]);
  if (address === undefined) return undefined;
  const language = label(customer?.["locale"], 35);
  const reference = label(custom["reference"]);
  return {
    email: address,
    ...namesOf(customer?.["name"]),
    ...(language && /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(language) && { language }),
    ...(reference && { reference }),
  };
}

/** A full name's first word, and the rest. */
export function namesOf(value: unknown): Pick<Buyer, "firstName" | "lastName"> {
  const [firstName, ...rest] = (label(value) ?? "").split(/\s+/u);
  const lastName = rest.join(" ");
  return { ...(firstName && { firstName }), ...(lastName && { lastName }) };
}
