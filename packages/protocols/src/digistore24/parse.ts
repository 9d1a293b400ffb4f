import type { Mode } from "../domain/fact.ts";
import type { Parsed } from "../protocol.ts";
import { buyerOf } from "./buyer.ts";
import { factsOf } from "./facts.ts";
import { id, label, text, unreadable, type Values, valuesOf, word } from "./read.ts";
import { orderDay } from "./times.ts";

/**
 * Reads the facts of one call. Tests of the connection, affiliations, e-tickets, forms and events of an unknown name are
 * read and say nothing.
 * @returns a refusal whose code starts with `unreadable_` for what cannot be understood; it waits for the operator
 * Source: Digistore24 "IPN" 1.6
 */
export function parse(body: Uint8Array): Parsed {
  const values = valuesOf(body);
  const event = label(text(values, "event"));
  if (event === undefined) return unreadable("event", "The field event is missing or cannot be read.");
  const mode = modeOf(values);
  const orderId = id(text(values, "order_id"));
  const said = factsOf(event, values, orderId ?? "");
  // Whose address stands in a call that is not about an order is not the buyer's: an affiliate's, for one.
  if (!said) return { ok: true, reading: { event, ...(mode && { mode }), ...(orderId && { orderId }), facts: [] } };
  if (orderId === undefined) return unreadable("order_id", "The field order_id is missing or cannot be read.");
  if (!said.ok) return said;
  const orderedOn = orderDay(values);
  const buyer = buyerOf(values);
  return {
    ok: true,
    reading: {
      event,
      ...(mode && { mode }),
      orderId,
      ...(orderedOn && { orderedOn }),
      ...(buyer && { buyer }),
      facts: said.facts,
    },
  };
}

/** Either sign means a test; a call that carries none belongs to whatever its order does. */
function modeOf(values: Values): Mode | undefined {
  const [api, method] = [word(values, "api_mode"), word(values, "pay_method")];
  if (api === "test" || method === "test") return "test";
  return api === "live" || method !== "" ? "live" : undefined;
}
