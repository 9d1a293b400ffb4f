import { parseDay } from "../domain/day.ts";
import type { Mode } from "../domain/fact.ts";
import type { Parsed } from "../protocol.ts";
import { buyerOf } from "./buyer.ts";
import { cancelledFacts, type Facts, type Item, regularFacts, upcomingFacts } from "./facts.ts";
import { carries, fields, isRegular } from "./fields.ts";
import { id, isTrue, label, readObject, unreadable, type Values, word } from "../values.ts";

/**
 * Reads the facts of one IPN. An event of an unknown name is read and says nothing.
 * @returns a refusal whose code starts with `unreadable_` for what cannot be understood; it waits for the operator
 * Source: CopeCart "IPN" 1.6.7
 */
export function parse(body: Uint8Array): Parsed {
  const read = readObject(body);
  if (!read.ok) return read;
  const values = read.value;
  const event = label(values["event_type"]);
  if (event === undefined) return missing("event_type");
  const unread = requiredIds(event).find((name) => id(values[name]) === undefined);
  if (unread) return missing(unread);
  const buyer = buyerOf(values);
  if (!buyer) return missing("buyer_email");

  const item: Item = { orderId: id(values["order_id"]) ?? "", productId: id(values["product_id"]) ?? "" };
  const said = factsOf(event, values, item);
  if (!said.ok) return said;
  const mode = modeOf(event, values);
  const orderedOn = parseDay(values["order_date"]);
  return {
    ok: true,
    reading: {
      event,
      ...(mode && { mode }),
      orderId: item.orderId,
      ...(orderedOn && { orderedOn }),
      buyer,
      facts: said.facts,
    },
  };
}

/** The required ids; whose address it is gets a look of its own. */
function requiredIds(event: string): string[] {
  return fields
    .filter((field) => "required" in field && carries(event, field))
    .map(({ name }) => name)
    .filter((name) => name !== "buyer_email" && name !== "event_type");
}

function missing(name: string) {
  return unreadable(name, `The field ${name} is missing or cannot be read.`);
}

function factsOf(event: string, values: Values, item: Item): Facts {
  if (isRegular(event)) return regularFacts(event, values, item, id(values["transaction_id"]) ?? "");
  if (event === "payment.recurring.cancelled") return cancelledFacts(values, item);
  if (event === "payment.recurring.upcoming") return upcomingFacts(values, item);
  return { ok: true, facts: [] };
}

/** Any one sign means a test. The recurring events carry none when they are live, and may carry none in a test. */
function modeOf(event: string, values: Values): Mode | undefined {
  const test =
    isTrue(values["test_payment"]) ||
    word(values["payment_method"]) === "test" ||
    word(values["payment_status"]).startsWith("test_");
  if (test) return "test";
  return isRegular(event) ? "live" : undefined;
}
