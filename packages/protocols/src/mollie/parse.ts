import { parseDay } from "../domain/day.ts";
import type { Fact, Mode, Reading } from "../domain/fact.ts";
import { id, unreadable, type Values, word } from "../values.ts";
import type { Known, Parsed } from "../protocol.ts";
import { buyerOf } from "./buyer.ts";
import { chargebackFacts, paymentFacts, refundFacts } from "./facts.ts";
import { gathered, type Story } from "./gather.ts";
import { type Message, mollieId, readMessage } from "./message.ts";
import { metadataOf } from "./metadata.ts";

/**
 * Reads the facts: of a classic call from what Mollie answered about its payment, of a new one from what it carries.
 * An event of another kind is read and says nothing.
 * @param known `replies` as they were when it was verified
 * @returns a refusal whose code starts with `unreadable_` for what cannot be understood; it waits for the operator
 * Source: Mollie "Webhooks"; Payments API v2
 */
export function parse(body: Uint8Array, known?: Known): Parsed {
  const message = readMessage(body);
  if ("code" in message) return unreadable("message", message.sentence);
  const story = gathered(message, known?.replies ?? []);
  if (story.payment) return paymentReading(message, story.payment, story);
  if (story.refund) return partReading(message, story.refund, refundFacts);
  if (story.chargeback) return partReading(message, story.chargeback, chargebackFacts);
  if (message.kind === "classic") {
    return unreadable("reply", "The payment this call names has not been fetched from Mollie.");
  }
  if (/^(?:payment|refund|chargeback)\.|^payment-link\.paid$/.test(message.type)) {
    return unreadable(
      "entity",
      "The event only names what changed, and it could not be fetched: let Mollie send the full payload, and see that the connection has an API key.",
    );
  }
  return { ok: true, reading: { event: message.type, facts: [] } };
}

function paymentReading(message: Message, payment: Values, { subscription, customer }: Story): Parsed {
  const paymentId = mollieId(payment["id"]);
  const facts = paymentFacts(payment, subscription);
  if (paymentId === undefined || !facts) {
    return unreadable("amount", "An amount of this payment or of what went back of it cannot be read.");
  }
  const buyer = buyerOf(payment, customer);
  const orderedOn = word(payment["sequenceType"]) === "recurring" ? undefined : dayOf(payment["createdAt"]);
  return reading({
    event: message.kind === "event" ? message.type : `payment.${word(payment["status"]) || "changed"}`,
    ...modeOf(payment),
    ...namesOf(payment, paymentId),
    ...(orderedOn && { orderedOn }),
    ...(buyer && { buyer }),
    facts,
  });
}

/**
 * The order is what the seller calls it in the metadata (`order_id`), which Mollie copies from a subscription to its
 * payments; else the subscription; else the payment itself. A first payment does not name the subscription it is for, so
 * without an `order_id` the two are two orders.
 */
function namesOf(payment: Values, paymentId: string): Pick<Reading, "orderId" | "aliases"> {
  const subscriptionId = mollieId(payment["subscriptionId"]);
  const ids = [id(metadataOf(payment)["order_id"]), subscriptionId, paymentId].flatMap((one) => one ?? []);
  const [orderId = paymentId, ...others] = ids;
  const aliases = others.filter((other) => other !== orderId);
  return { orderId, ...(aliases.length > 0 && { aliases }) };
}

/** A refund or a chargeback that comes without its payment. */
function partReading(
  message: Message,
  part: Values,
  read: (part: Values, paymentId: string) => readonly Fact[] | undefined,
): Parsed {
  const paymentId = mollieId(part["paymentId"]);
  if (paymentId === undefined) return unreadable("paymentId", "The event does not name the payment it concerns.");
  const facts = read(part, paymentId);
  if (!facts) return unreadable("amount", "The amount of what went back cannot be read.");
  return reading({
    event: message.kind === "event" ? message.type : "payment.changed",
    ...modeOf(part),
    aliases: [paymentId],
    facts,
  });
}

function reading(read: Reading): Parsed {
  return { ok: true, reading: read };
}

function modeOf({ mode }: Values): { mode?: Mode } {
  return mode === "test" || mode === "live" ? { mode } : {};
}

function dayOf(value: unknown) {
  return typeof value === "string" ? parseDay(value.slice(0, 10)) : undefined;
}
