import { parseDay } from "../domain/day.ts";
import type { Mode, Reading } from "../domain/fact.ts";
import { count, id, label, unreadable, type Values, word } from "../values.ts";
import type { Parsed } from "../protocol.ts";
import { buyerOf } from "./buyer.ts";
import { occasions } from "./events.ts";
import { factsOf } from "./facts.ts";
import { field, list, readMessage } from "./message.ts";

/**
 * Reads the facts of one message of either surface. An event of an unknown name is read and says nothing.
 * @returns a refusal whose code starts with `unreadable_` for what cannot be understood; it waits for the operator
 * Source: ThriveCart "Using webhook notifications"; API "Event subscriptions"
 */
export function parse(body: Uint8Array): Parsed {
  const read = readMessage(body);
  if (!read.ok) return read;
  const values = read.value;
  const event = label(field(values, "event"), 100);
  if (event === undefined) return unreadable("event", "The field event is missing or cannot be read.");
  const mode = modeOf(values);
  const orderId = id(field(values, "order_id"));
  const occasion = occasions.get(event.toLowerCase());
  const known = { event, ...(mode && { mode }), ...(orderId !== undefined && { orderId }) };
  if (!occasion) return { ok: true, reading: { ...known, facts: [] } };

  const aliases = subscriptionsOf(values);
  const order = orderId ?? aliases[0];
  if (order === undefined) {
    return unreadable("order_id", "The message names neither its order (order_id) nor its subscription.");
  }
  const buyer = buyerOf(values);
  if (!buyer && occasion === "sale") {
    return unreadable("customer_email", "The field customer[email] is missing or cannot be read.");
  }
  const said = factsOf(occasion, values, order);
  if (!said.ok) return said;
  const orderedOn = occasion === "sale" ? dayOf(field(values, "order_date_iso8601")) : undefined;
  const reading: Reading = {
    ...known,
    ...(aliases.length > 0 && { aliases }),
    ...(orderedOn && { orderedOn }),
    ...(buyer && { buyer }),
    facts: said.facts,
  };
  return { ok: true, reading };
}

/** Any one sign means a test. */
function modeOf(values: Values): Mode | undefined {
  const [number, name] = [count(field(values, "mode_int")), word(field(values, "mode"))];
  if (number === 1 || name === "test") return "test";
  return number === 2 || name === "live" ? "live" : undefined;
}

/** The order is known by its subscriptions too: one of them, or a map of them by product. No order is called like this. */
function subscriptionsOf(values: Values): readonly string[] {
  const ids = [field(values, "subscription_id"), ...list(values, "subscriptions"), ...list(values, "subscription_ids")];
  return [...new Set(ids.flatMap((one) => (one === "null" ? [] : (id(one) ?? []))))].map(
    (one) => `subscription ${one}`,
  );
}

function dayOf(value: unknown) {
  return typeof value === "string" ? parseDay(value.slice(0, 10)) : undefined;
}
