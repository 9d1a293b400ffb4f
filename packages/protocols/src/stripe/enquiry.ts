import { isObject, readObject, type Values } from "../values.ts";
import type { Enquiry, Reply } from "../protocol.ts";
import { lacksInvoice } from "./charge.ts";
import { readEvent, refIn, type StripeEvent } from "./event.ts";
import { lacksLineItems } from "./session.ts";

/**
 * What Stripe is asked before a message counts: the products of a checkout, which its event leaves out, and the invoice
 * behind a refund or a dispute, which since basil (2025-03-31) neither charge nor payment intent names.
 * @returns undefined where nothing is missing, or there is no key to ask with
 * Source: Stripe API, "Retrieve a Checkout Session's line items", "List all payments for an invoice"
 */
export function enquiryAbout(body: Uint8Array, apiKey: string | undefined): Enquiry | undefined {
  const key = apiKey?.trim() ?? "";
  if (!/^[\x21-\x7e]+$/.test(key)) return undefined;
  const read = readEvent(body);
  if (!read.ok || read.event.thin) return undefined;
  const path = pathFor(read.event);
  if (!path) return undefined;
  const { account } = read.event;
  return {
    method: "GET",
    url: `https://api.stripe.com/v1/${path}`,
    headers: {
      authorization: `Bearer ${key}`,
      "stripe-version": version,
      ...(account !== undefined && /^acct_\w+$/.test(account) && { "stripe-account": account }),
    },
  };
}

/** Answers keep this shape whatever the account's own version is; the first one that lists invoice payments. */
const version = "2025-03-31.basil";

function pathFor(event: StripeEvent): string | undefined {
  if (lacksLineItems(event)) {
    const session = refIn(event.object, "id") ?? "";
    if (/^cs_\w+$/.test(session))
      return `checkout/sessions/${session}/line_items?limit=100&expand[]=data.price.product`;
  }
  if (lacksInvoice(event)) {
    const intent = refIn(event.object, "payment_intent") ?? "";
    if (/^pi_\w+$/.test(intent))
      return `invoice_payments?payment[type]=payment_intent&payment[payment_intent]=${intent}`;
  }
  return undefined;
}

/**
 * Why a reply is of no use and the same has to be asked again.
 * @returns undefined where it settles the question: a list, or that this key may not see it (403) or it is not there (404)
 */
export function missingOf({ status, body }: Reply): string | undefined {
  if (status === 403 || status === 404) return undefined;
  if (status === 401)
    return "Stripe refuses this connection's API key (401): it was revoked or mistyped. Enter one that works; until then such messages wait.";
  if (status !== 200) return `Stripe could not tell what the message leaves out (answer ${status}) and is asked again.`;
  return listOf({ status, body })
    ? undefined
    : "Stripe's answer holds no list that can be read, and is asked for again.";
}

/** The entries Stripe told in reply; undefined where it told none. */
export function listOf(reply: Reply | undefined): readonly Values[] | undefined {
  if (reply?.status !== 200) return undefined;
  const read = readObject(reply.body);
  const data = read.ok ? read.value["data"] : undefined;
  return Array.isArray(data) ? data.filter(isObject) : undefined;
}
