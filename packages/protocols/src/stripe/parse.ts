import { type Unreadable, unreadable, type Values } from "../values.ts";
import type { Known, Parsed } from "../protocol.ts";
import { disputeSays } from "./dispute.ts";
import { listOf } from "./enquiry.ts";
import { objectIn, readEvent, refIn, type Said, type StripeEvent } from "./event.ts";
import { invoiceSays } from "./invoice.ts";
import { refundSays } from "./refund.ts";
import { sessionSays } from "./session.ts";
import { subscriptionSays } from "./subscription.ts";

/**
 * Reads the facts of one event, of whatever API version. Events of other names, and thin ones (v2), are read and say
 * nothing. So does `payment_intent.succeeded`: the session or the invoice above it tells the same money, with products.
 *
 * An order is known by its subscription, else its invoice, else its payment intent, else its session; the others are
 * aliases. Refunds and disputes know payment intent and charge alone: what ties a subscription's to it since basil is
 * `invoice_payment.paid`, or the answer to an enquiry.
 * @param known of its replies the first is asked for by `verify`
 * @returns a refusal whose code starts with `unreadable_` for what cannot be understood; it waits for the operator
 * Source: Stripe API, "Events", "Types of events", versions to 2026-10-28.endive
 */
export function parse(body: Uint8Array, known: Known = {}): Parsed {
  const read = readEvent(body);
  if (!read.ok) return read;
  const { event } = read;
  const said = whatIsSaid(event, listOf(known.replies?.[0]));
  if ("ok" in said) return said;
  const { orderId, buyer, facts } = said;
  const aliases = [...new Set(said.aliases)]
    .filter((alias) => alias !== undefined)
    .filter((alias) => alias !== orderId);
  return {
    ok: true,
    reading: {
      event: event.type,
      ...(event.mode && { mode: event.mode }),
      ...(orderId !== undefined && { orderId }),
      ...(aliases.length > 0 && { aliases }),
      ...(buyer && { buyer }),
      facts,
    },
  };
}

function whatIsSaid(event: StripeEvent, told: readonly Values[] | undefined): Said | Unreadable {
  const says = reader(event.type);
  if (!says || event.thin) return { facts: [] };
  if (Object.keys(event.object).length === 0)
    return unreadable("object", `The event ${event.type} does not hold what it is about (data.object).`);
  return says(event, told);
}

type Reader = (event: StripeEvent, told: readonly Values[] | undefined) => Said | Unreadable;

function reader(type: string): Reader | undefined {
  if (type === "invoice_payment.paid") return invoicePaymentSays;
  if (type === "charge.refunded" || /^(refund|charge\.refund)\./.test(type)) return refundSays;
  return readers.find(([prefix]) => type.startsWith(prefix))?.[1];
}

const readers: readonly (readonly [string, Reader])[] = [
  ["checkout.session.", sessionSays],
  ["customer.subscription.", subscriptionSays],
  ["charge.dispute.", disputeSays],
  ["invoice.", invoiceSays],
];

/** Ties invoice and payment together, and tells nothing else. Source: Stripe API, "The Invoice Payment object" */
function invoicePaymentSays({ object }: StripeEvent): Said {
  const payment = objectIn(object, "payment");
  return { aliases: [refIn(object, "invoice"), refIn(payment, "payment_intent"), refIn(payment, "charge")], facts: [] };
}
