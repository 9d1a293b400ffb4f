import { id, isObject, readObject, type Values } from "../values.ts";
import { inside } from "../objects.ts";
import type { Known, Reply, Undecided } from "../protocol.ts";

/**
 * What has to be asked of Lemon Squeezy before the message says everything: of an order, whether its price is charged
 * once or again and again; of an invoice, which subscription (and so which order and product) it is for.
 * @returns undefined: nothing (more), or there is no key to ask with
 * Source: Lemon Squeezy, API, "Retrieve a price", "Retrieve a subscription"
 */
export function enquiryFor(body: Uint8Array, known: Known): Undecided | undefined {
  const apiKey = known.options?.["api_key"];
  if (!apiKey) return undefined;
  const path = pathOf(body);
  if (path === undefined) return undefined;
  const reply = known.replies?.at(-1);
  if (reply && decided(reply)) return undefined;
  return {
    ok: false,
    code: "undecided",
    sentence: reply ? silent(reply) : "Lemon Squeezy is asked for what the message does not hold.",
    ask: {
      method: "GET",
      url: `https://api.lemonsqueezy.com/v1/${path}`,
      headers: { authorization: `Bearer ${apiKey}`, accept: "application/vnd.api+json" },
    },
    ...(reply && { again: true }),
  };
}

/** The attributes Lemon Squeezy replied with about this. @returns undefined: nothing, or about another */
export function replied(known: Known | undefined, type: string, wanted: unknown): Values | undefined {
  for (const reply of known?.replies ?? []) {
    const entity = entityOf(reply);
    if (entity?.["type"] === type && id(entity["id"]) === id(wanted)) return inside(entity, "attributes");
  }
  return undefined;
}

/** Only what acts is worth a question. The ids go into an address, so their form is looked at first. */
function pathOf(body: Uint8Array): string | undefined {
  const read = readObject(body);
  if (!read.ok) return undefined;
  const attributes = inside(read.value, "data", "attributes");
  switch (inside(read.value, "meta")["event_name"]) {
    case "order_created":
      return numbered("prices", inside(attributes, "first_order_item")["price_id"]);
    case "subscription_payment_success":
    case "subscription_payment_recovered":
    case "subscription_payment_failed":
    case "subscription_payment_refunded":
      return numbered("subscriptions", attributes["subscription_id"]);
    default:
      return undefined;
  }
}

function numbered(what: string, value: unknown): string | undefined {
  const text = id(value);
  return text !== undefined && /^\d{1,18}$/.test(text) ? `${what}/${text}` : undefined;
}

/** Lemon Squeezy not knowing the id is a word, too: the message is genuine all the same, and says what it says alone. */
function decided(reply: Reply): boolean {
  return reply.status === 404 || entityOf(reply) !== undefined;
}

function entityOf({ status, body }: Reply): Values | undefined {
  if (status !== 200) return undefined;
  const read = readObject(body);
  const data = read.ok ? read.value["data"] : undefined;
  return isObject(data) && isObject(data["attributes"]) ? data : undefined;
}

function silent({ status }: Reply): string {
  if (status === 401 || status === 403)
    return `Lemon Squeezy refused the API key (${status}): see that it is valid, and of test mode exactly if the connection is. It is asked again.`;
  return `Lemon Squeezy did not say what was asked (${status}); it is asked again.`;
}
