import { label, readObject, unreadable } from "../values.ts";
import type { Known, Parsed } from "../protocol.ts";
import { disputeFacts } from "./disputes.ts";
import { captureFacts, orderFacts, saleFacts } from "./payments.ts";
import { refundFacts, reversalFacts } from "./refunds.ts";
import { object } from "./resource.ts";
import { instantOf, type Message, type Saying, silence } from "./said.ts";
import { subscriptionFacts } from "./subscriptions.ts";

/**
 * Reads the facts of one webhook. Nothing in it says whether it is a test: the connection does.
 *
 * An order is named by the order of v2, the subscription, or the payment of v1 (`parent_payment`); captures, sales and refunds
 * are its aliases. `custom_id` and `invoice_id` name no order.
 *
 * What the seller has to set up: with `client_id` and `client_secret`, the events PAYMENT.CAPTURE.*, PAYMENT.SALE.*,
 * BILLING.SUBSCRIPTION.* and CUSTOMER.DISPUTE.*. Without them captures cannot be attributed: then CHECKOUT.ORDER.COMPLETED
 * in place of PAYMENT.CAPTURE.COMPLETED.
 * @param known with the replies of its verification
 * @returns a refusal whose code starts with `unreadable_`; it waits for the operator
 * Source: PayPal "Webhooks", event names
 */
export function parse(body: Uint8Array, known?: Known): Parsed {
  const read = readObject(body);
  if (!read.ok) return read;
  const event = label(read.value["event_type"], 200);
  if (event === undefined) return unreadable("event_type", "The message does not say what it is (event_type).");
  const said = sayingOf(event, {
    id: label(read.value["id"], 100) ?? "",
    resource: object(read.value["resource"]),
    at: instantOf(read.value["create_time"]),
    known,
    redacted: read.value["redacted"] === true,
  });
  if (!said.ok) return said;
  const { orderId, buyer, facts } = said;
  const aliases = [...new Set(said.aliases)].flatMap((alias) => (alias === orderId ? [] : (alias ?? [])));
  return {
    ok: true,
    reading: {
      event,
      ...(orderId !== undefined && { orderId }),
      ...(aliases.length > 0 && { aliases }),
      ...(buyer && { buyer }),
      facts,
    },
  };
}

function sayingOf(event: string, message: Message): Saying {
  switch (event) {
    case "CHECKOUT.ORDER.COMPLETED":
      return orderFacts(message);
    case "PAYMENT.CAPTURE.COMPLETED":
      return captureFacts("payment", message);
    case "PAYMENT.CAPTURE.PENDING":
      return captureFacts("payment_pending", message);
    case "PAYMENT.CAPTURE.DECLINED":
    case "PAYMENT.CAPTURE.DENIED":
      return captureFacts("payment_failed", message);
    case "PAYMENT.SALE.COMPLETED":
      return saleFacts("payment", message);
    case "PAYMENT.SALE.PENDING":
      return saleFacts("payment_pending", message);
    case "PAYMENT.SALE.DENIED":
      return saleFacts("payment_failed", message);
    case "PAYMENT.CAPTURE.REFUNDED":
    case "PAYMENT.SALE.REFUNDED":
      return refundFacts(message);
    case "PAYMENT.CAPTURE.REVERSED":
    case "PAYMENT.SALE.REVERSED":
      return reversalFacts(message);
    case "CUSTOMER.DISPUTE.CREATED":
    case "CUSTOMER.DISPUTE.RESOLVED":
      return disputeFacts(event, message);
    default:
      // An order approved is not paid, and an updated dispute not decided.
      return event.startsWith("BILLING.SUBSCRIPTION.") ? subscriptionFacts(event, message) : silence;
  }
}
