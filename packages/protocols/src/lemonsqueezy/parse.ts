import {
  email,
  id,
  isObject,
  isTrue,
  label,
  readObject,
  unreadable,
  type Unreadable,
  type Values,
  word,
} from "../values.ts";
import type { Buyer, Mode } from "../domain/fact.ts";
import { namesOf } from "../paddle/buyer.ts";
import { inside } from "../objects.ts";
import type { Known, Parsed } from "../protocol.ts";
import { invoiceSays } from "./invoice.ts";
import type { Message, Says } from "./message.ts";
import { orderSays } from "./order.ts";
import { subscriptionSays } from "./subscription.ts";

/**
 * Reads the facts of one message. What says nothing of money or plans (licence keys) is read and says nothing.
 * @param known replies about the price or the subscription, if any were asked for
 * @returns a refusal whose code starts with `unreadable_` for what cannot be understood; it waits for the operator
 * Source: Lemon Squeezy, webhooks, autumn 2026
 */
export function parse(body: Uint8Array, known?: Known): Parsed {
  const read = readObject(body);
  if (!read.ok) return read;
  const meta = inside(read.value, "meta");
  const event = label(meta["event_name"]);
  if (event === undefined) return unreadable("event_name", "The field meta.event_name is missing or cannot be read.");
  const data = inside(read.value, "data");
  const says = sayers.get(word(data["type"]));
  const mode = modeOf(meta, inside(data, "attributes"));
  if (!says) return { ok: true, reading: { event, ...(mode && { mode }), facts: [] } };
  const own = id(data["id"]);
  if (own === undefined) return unreadable("id", "The field data.id is missing or cannot be read.");
  const attributes = data["attributes"];
  if (!isObject(attributes))
    return unreadable("attributes", "The field data.attributes is missing or is not an object.");
  const said = says({ event, id: own, attributes, ...(known && { known }) });
  if ("ok" in said) return said;
  const buyer = buyerOf(attributes, meta, isTrue(read.value["redacted"]));
  return { ok: true, reading: { event, ...(mode && { mode }), ...said, ...(buyer && { buyer }) } };
}

const sayers: ReadonlyMap<string, (message: Message) => Says | Unreadable> = new Map([
  ["orders", orderSays],
  ["subscriptions", subscriptionSays],
  ["subscription-invoices", invoiceSays],
]);

function modeOf(meta: Values, attributes: Values): Mode | undefined {
  const test = meta["test_mode"] ?? attributes["test_mode"];
  return typeof test === "boolean" ? (test ? "test" : "live") : undefined;
}

/** `custom_data.reference`, passed through the checkout, is the reference. */
function buyerOf(attributes: Values, meta: Values, redacted: boolean): Buyer | undefined {
  if (redacted) return { email: "" };
  const address = email(attributes["user_email"]);
  if (address === undefined) return undefined;
  const reference = label(inside(meta, "custom_data")["reference"]);
  return { email: address, ...namesOf(attributes["user_name"]), ...(reference && { reference }) };
}
