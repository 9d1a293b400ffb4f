import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Announcement } from "../send/events.ts";

type Of = {
  readonly accountId: string;
  readonly mode: Mode;
  readonly customerId: string;
  readonly at: Instant;
};

export type NewCustomer = Of & {
  /** null: none, or one that belongs to another customer */
  readonly email: string | null;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly country: string | null;
  readonly language: string | null;
  readonly reference: string | null;
};

export function customerCreated(customer: NewCustomer): Announcement {
  return announced(customer, "customer.created", {
    email: customer.email,
    first_name: customer.firstName,
    last_name: customer.lastName,
    country: customer.country,
    language: customer.language,
    reference: customer.reference,
  });
}

export type CustomerChange = Of & {
  /** now this customer's */
  readonly email: string;
  /** the order that came with it, as the provider names it, and whose it was; null: it did not move */
  readonly orderId: string | null;
  readonly previousCustomerId: string | null;
};

/** The customer has another address, or the contact of an order was corrected. */
export function customerChanged(change: CustomerChange): Announcement {
  return announced(change, "customer.changed", {
    email: change.email,
    order_id: change.orderId,
    previous_customer_id: change.previousCustomerId,
  });
}

/** Says nothing of the person. */
export function customerErased(customer: Of): Announcement {
  return announced(customer, "customer.erased", {});
}

function announced({ accountId, mode, customerId, at }: Of, type: string, data: Announcement["data"]): Announcement {
  return { accountId, mode, type, at, orderKey: customerId, data: { customer_id: customerId, ...data } };
}
