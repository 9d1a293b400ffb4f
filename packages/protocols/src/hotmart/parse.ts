import { email, isObject, label, readObject, unreadable, type Values } from "../values.ts";
import type { Buyer } from "../domain/fact.ts";
import type { Parsed } from "../protocol.ts";
import { factsOf } from "./facts.ts";
import { idsOf } from "./ids.ts";

/**
 * Reads the facts of one message of version 2.0.0. Hotmart's test messages are not marked as such: the connection tells.
 * @returns a refusal whose code starts with `unreadable_` for what cannot be understood; it waits for the operator
 * Source: Hotmart "Webhook 2.0"
 */
export function parse(body: Uint8Array): Parsed {
  const read = readObject(body);
  if (!read.ok) return read;
  const { value } = read;
  const { data } = value;
  if (!isObject(data) && "hottok" in value) return versionOne;
  const event = label(value["event"]);
  if (event === undefined) return unreadable("event", "The field event is missing or cannot be read.");
  const payload = isObject(data) ? data : {};
  const ids = idsOf(payload);
  const said = factsOf(event, payload, ids, value["creation_date"] ?? value["creationDate"]);
  if (!said.ok) return said;
  const order = ids.order === undefined ? {} : { orderId: ids.order };
  // What says nothing has no order to wait for.
  if (said.facts.length === 0) return { ok: true, reading: { event, ...order, facts: [] } };
  const buyer = buyerOf(payload, value["redacted"] === true);
  return {
    ok: true,
    reading: {
      event,
      ...order,
      ...(ids.aliases.length > 0 && { aliases: ids.aliases }),
      ...(buyer && { buyer }),
      facts: said.facts,
    },
  };
}

/** @returns undefined where no address is named, unless the person was taken out of the message */
function buyerOf(payload: Values, redacted: boolean): Buyer | undefined {
  const places = [payload["buyer"], payload["subscriber"]].filter(isObject);
  const person = places.find((values) => email(values["email"]) !== undefined);
  const address = email(person?.["email"]);
  if (!person || address === undefined) {
    return redacted && ("buyer" in payload || "subscriber" in payload) ? { email: "" } : undefined;
  }
  const firstName = label(person["first_name"]) ?? label(person["name"]);
  const lastName = label(person["last_name"]);
  return { email: address, ...(firstName && { firstName }), ...(lastName && { lastName }) };
}

const versionOne = unreadable(
  "version",
  "This is a message of version 1: set the connection at Hotmart to version 2.0.0, and send it again from the history there.",
);
