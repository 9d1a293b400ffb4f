import type { Buyer } from "../domain/fact.ts";
import { email, isObject, label, type Values } from "../values.ts";
import { metadataOf } from "./metadata.ts";

/**
 * Who bought: what the seller wrote into the metadata, else the billing address, else what the payment method tells
 * (a PayPal account is an address), else the customer.
 * @returns undefined where nothing holds an address, unless the person was taken out of the payment
 * Source: Mollie Payments API v2, billingAddress, details; Customers API v2
 */
export function buyerOf(payment: Values, customer: Values | undefined): Buyer | undefined {
  const address = emailOf(payment) ?? mailbox(customer?.["email"]);
  if (address === undefined) return payment["redacted"] === true ? { email: "" } : undefined;
  const own = metadataOf(payment);
  const billing = part(payment, "billingAddress");
  const whole = split(label(part(payment, "details")["consumerName"]) ?? label(customer?.["name"]));
  const named = label(billing["givenName"]) ?? label(billing["familyName"]);
  const firstName = label(own["first_name"]) ?? (named ? label(billing["givenName"]) : whole.firstName);
  const lastName = label(own["last_name"]) ?? (named ? label(billing["familyName"]) : whole.lastName);
  const company = label(billing["organizationName"]);
  const country = label(billing["country"])?.toUpperCase();
  const language = languageOf(payment["locale"]) ?? languageOf(customer?.["locale"]);
  const reference = label(own["reference"]);
  return {
    email: address,
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(company && { company }),
    ...(country && /^[A-Z]{2}$/.test(country) && { country }),
    ...(language && { language }),
    ...(reference && { reference }),
  };
}

/** The address the payment itself holds. */
export function emailOf(payment: Values): string | undefined {
  return (
    mailbox(metadataOf(payment)["email"]) ??
    mailbox(part(payment, "billingAddress")["email"]) ??
    mailbox(part(payment, "details")["consumerAccount"])
  );
}

/** `consumerAccount` is an IBAN for most methods. */
function mailbox(value: unknown): string | undefined {
  const address = email(value);
  return address !== undefined && /^[^\s@]+@[^\s@]+$/.test(address) ? address : undefined;
}

function part(value: Values, name: string): Values {
  const inner = value[name];
  return isObject(inner) ? inner : {};
}

function split(name: string | undefined): Pick<Buyer, "firstName" | "lastName"> {
  const words = name?.split(/\s+/) ?? [];
  const lastName = words.pop();
  const firstName = words.join(" ");
  return { ...(firstName && { firstName }), ...(lastName && { lastName }) };
}

/** `de_DE` is how Mollie writes de-DE. */
function languageOf(locale: unknown): string | undefined {
  return typeof locale === "string" && /^[a-z]{2}_[A-Z]{2}$/.test(locale) ? locale.replace("_", "-") : undefined;
}
