import { parseInstant } from "../domain/day.ts";
import { id, isObject, isTrue, label, readObject, unreadable } from "../values.ts";
import type { Known, Parsed } from "../protocol.ts";
import { adjustmentSays } from "./adjustment.ts";
import { buyerOf } from "./buyer.ts";
import type { Message, Says } from "./message.ts";
import { subscriptionSays } from "./subscription.ts";
import { transactionSays } from "./transaction.ts";

/**
 * Reads the facts of one event. Events that say nothing of money or plans are read and say nothing. There is no sign
 * of a test: the sandbox is a system of its own, so the connection decides.
 * @param known replies about the customer and the transaction, if any were asked for
 * @returns a refusal whose code starts with `unreadable_` for what cannot be understood; it waits for the operator
 * Source: Paddle Billing, webhooks, autumn 2026
 */
export function parse(body: Uint8Array, known?: Known): Parsed {
  const read = readObject(body);
  if (!read.ok) return read;
  const event = label(read.value["event_type"]);
  if (event === undefined) {
    return "alert_name" in read.value
      ? unreadable("event_type", "This is a message of Paddle Classic (alert_name); only Paddle Billing is understood.")
      : unreadable("event_type", "The field event_type is missing or cannot be read.");
  }
  const data = read.value["data"];
  const entity = event.split(".")[0] ?? "";
  if (!["transaction", "subscription", "adjustment"].includes(entity)) return nothing(event);
  if (!isObject(data)) return unreadable("data", "The field data is missing or is not an object.");
  const own = id(data["id"]);
  if (own === undefined) return unreadable("id", "The field data.id is missing or cannot be read.");
  const occurredAt = parseInstant(read.value["occurred_at"], "UTC");
  const message: Message = {
    event,
    id: own,
    data,
    ...(occurredAt !== undefined && { occurredAt }),
    ...(known && { known }),
    redacted: isTrue(read.value["redacted"]),
  };
  const said = saidOf(entity, message);
  if ("ok" in said) return said;
  const buyer = entity === "adjustment" ? undefined : buyerOf(message);
  return { ok: true, reading: { event, ...said, ...(buyer && { buyer }) } };
}

function nothing(event: string): Parsed {
  return { ok: true, reading: { event, facts: [] } };
}

function saidOf(entity: string, message: Message): Says {
  if (entity === "transaction") return transactionSays(message);
  return entity === "subscription" ? subscriptionSays(message) : adjustmentSays(message);
}
