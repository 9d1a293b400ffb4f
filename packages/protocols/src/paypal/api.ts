import { id, isObject, readObject, type Values } from "../values.ts";
import { encodeBase64 } from "../base64.ts";
import type { Enquiry, Known, Reply } from "../protocol.ts";
import { linkedId, list, object, text } from "./resource.ts";

/** What is asked next, and why; `again` where the last answer said nothing. */
export type Next = { readonly ask: Enquiry; readonly sentence: string; readonly again?: boolean };

/**
 * What a message leaves out is asked of PayPal's API: first a token, then the order (or the subscription, or the payment of
 * the older API). An order PayPal does not know (404) is not asked for again.
 * @param answers to these enquiries, the certificate's left out
 * @returns undefined where nothing is left to ask
 * Source: PayPal "REST APIs", authentication; "Orders v2"; "Subscriptions v1"; "Payments v1"
 */
export function nextEnquiry(body: Uint8Array, known: Known, answers: readonly Reply[]): Next | undefined {
  const client = known.options?.["client_id"]?.trim();
  const secret = known.options?.["client_secret"]?.trim();
  const path = wantedPath(body);
  if (!client || !secret || !path) return undefined;
  const host = known.mode === "test" ? "https://api-m.sandbox.paypal.com" : "https://api-m.paypal.com";
  const [token, found] = answers;
  const askToken: Next = {
    ask: {
      method: "POST",
      url: `${host}/v1/oauth2/token`,
      headers: {
        authorization: `Basic ${encodeBase64(new TextEncoder().encode(`${client}:${secret}`))}`,
        "content-type": "application/x-www-form-urlencoded",
        "user-agent": "Paybell",
      },
      body: new TextEncoder().encode("grant_type=client_credentials"),
      secret: true,
    },
    sentence: "PayPal's API is asked who bought what.",
  };
  if (!token) return askToken;
  const bearer = token.status === 200 ? tokenOf(token.body) : undefined;
  if (bearer === undefined)
    return {
      ...askToken,
      again: true,
      sentence: `PayPal's API gave no token (status ${token.status}): are client_id and client_secret those of this app, live or sandbox as the connection is?`,
    };
  const askResource: Next = {
    ask: {
      method: "GET",
      url: host + path,
      headers: { authorization: `Bearer ${bearer}`, accept: "application/json", "user-agent": "Paybell" },
    },
    sentence: "PayPal's API is asked who bought what.",
  };
  if (!found) return askResource;
  if (found.status === 404 || (found.status === 200 && readObject(found.body).ok)) return undefined;
  return {
    ...askResource,
    again: true,
    sentence: `PayPal's API did not say who bought what (status ${found.status}).`,
  };
}

/** The object an answer holds that fits; a token's answer is empty by the time a message is read. */
export function fetched(known: Known | undefined, fits: (value: Values) => boolean): Values | undefined {
  for (const reply of known?.replies ?? []) {
    const read = reply.status === 200 ? readObject(reply.body) : undefined;
    if (read?.ok && fits(read.value)) return read.value;
  }
  return undefined;
}

/** Where the rest of a message stands; undefined where nothing is missing, or nobody can tell. */
function wantedPath(body: Uint8Array): string | undefined {
  const read = readObject(body);
  if (!read.ok) return undefined;
  const event = text(read.value["event_type"]);
  const resource = object(read.value["resource"]);
  if (event === "PAYMENT.CAPTURE.COMPLETED" || event === "PAYMENT.CAPTURE.PENDING") {
    const order = orderOfCapture(resource);
    return order && `/v2/checkout/orders/${encodeURIComponent(order)}`;
  }
  if (event !== "PAYMENT.SALE.COMPLETED" && event !== "PAYMENT.SALE.PENDING") return undefined;
  const subscription = id(resource["billing_agreement_id"]);
  if (subscription) return `/v1/billing/subscriptions/${encodeURIComponent(subscription)}`;
  const payment = id(resource["parent_payment"]);
  return payment && `/v1/payments/payment/${encodeURIComponent(payment)}`;
}

/** Newer captures name their order, older ones link to it. */
export function orderOfCapture(resource: Values): string | undefined {
  const related = object(object(resource["supplementary_data"])["related_ids"]);
  return id(related["order_id"]) ?? linkedId(list(resource["links"]), "orders");
}

function tokenOf(body: Uint8Array): string | undefined {
  const read = readObject(body);
  const token = read.ok && isObject(read.value) ? read.value["access_token"] : undefined;
  return typeof token === "string" && /^[\x21-\x7e]{1,4000}$/.test(token) ? token : undefined;
}
