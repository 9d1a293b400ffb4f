import { email, label, type Values } from "../values.ts";
import type { Buyer } from "../domain/fact.ts";
import { objectIn } from "./event.ts";

/** Where an object of Stripe keeps what is known of the person. */
type Person = {
  readonly email: unknown;
  readonly name: unknown;
  readonly company?: unknown;
  readonly address: Values;
  readonly locale?: unknown;
  readonly reference: unknown;
};

/** Of a checkout: `customer_email` is only what was filled in beforehand, so it comes second. */
export function sessionBuyer(session: Values, redacted: boolean): Buyer | undefined {
  const details = objectIn(session, "customer_details");
  return buyerOf(
    {
      email: present(details["email"], session["customer_email"], objectIn(session, "customer")["email"]),
      name: present(details["individual_name"], details["name"]),
      company: details["business_name"],
      address: objectIn(details, "address"),
      locale: session["locale"],
      reference: session["client_reference_id"],
    },
    redacted,
  );
}

/**
 * Of an invoice. It does not carry the checkout's `client_reference_id`; a vendor who needs one with subscriptions puts
 * it into the subscription's metadata under the same name, which Stripe copies here.
 */
export function invoiceBuyer(invoice: Values, metadata: Values, redacted: boolean): Buyer | undefined {
  const customer = objectIn(invoice, "customer");
  return buyerOf(
    {
      email: present(invoice["customer_email"], customer["email"]),
      name: present(invoice["customer_name"], customer["name"]),
      address: objectIn(invoice, "customer_address"),
      reference: metadata["client_reference_id"],
    },
    redacted,
  );
}

/** @returns undefined where no address is told. One that was taken out with the person has left an empty text. */
function buyerOf(person: Person, redacted: boolean): Buyer | undefined {
  const address = email(person.email) ?? (redacted && person.email === "" ? "" : undefined);
  if (address === undefined) return undefined;
  const { firstName, lastName } = namesOf(label(person.name));
  const company = label(person.company);
  const country = label(person.address["country"])?.toUpperCase();
  const language = label(person.locale);
  const reference = label(person.reference);
  return {
    email: address,
    ...(firstName && { firstName }),
    ...(lastName && { lastName }),
    ...(company && { company }),
    ...(country && /^[A-Z]{2}$/.test(country) && { country }),
    // `auto` is no language.
    ...(language && /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(language) && { language }),
    ...(reference && { reference }),
  };
}

/** Stripe asks for one name; what stands behind its last space is taken for the family's. */
function namesOf(name: string | undefined): { firstName?: string; lastName?: string } {
  if (name === undefined) return {};
  const space = name.lastIndexOf(" ");
  return space < 0 ? { firstName: name } : { firstName: name.slice(0, space).trim(), lastName: name.slice(space + 1) };
}

function present(...values: readonly unknown[]): unknown {
  return values.find((value) => typeof value === "string");
}
