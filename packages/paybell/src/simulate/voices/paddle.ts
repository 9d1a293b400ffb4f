import { sign } from "@paybell/protocols/paddle/sign";
import type { Checkout, Happening } from "../happening.ts";
import { begins } from "../period.ts";
import type { Telling, Voice } from "../voice.ts";
import { letters, madeUp } from "./made-up.ts";
import {
  adjustment,
  iso,
  paddleId,
  productId,
  subscription,
  subscriptionId,
  transaction,
  transactionId,
} from "./paddle-entities.ts";

/**
 * Paddle Billing: a seller whose checkout passes the address in `custom_data`, since no message holds it, and who listens
 * to completed and failed transactions, subscriptions and adjustments. There are no instalments, nothing announces a
 * payment, and a chargeback that is lost is not told: it stays. The sandbox marks nothing.
 * Source: Paddle Billing, webhooks; 60 repeats in 3 days are published, where they lie is a guess
 */
export const paddleVoice: Voice = {
  protocol: "paddle",
  title: "Paddle",
  testsApart: true,
  secretFor: (text) => `${paddleId("pdl_ntfset", text)}_${madeUp(letters, 32, "paddle secret", text)}`,
  productId,
  orderId: (order, happening) =>
    happening.article.plan.kind === "once" ? transactionId(order, happening) : subscriptionId(order, happening.article),
  tell(order, happening) {
    if (happening.article.plan.kind === "instalments") return [];
    return eventsFor(order, happening).map(([event, data]) => telling(event, data, happening));
  },
  sign: async ({ body }, secret, at) => ({
    headers: {
      "content-type": "application/json",
      "paddle-signature": await sign(body, Math.floor(at / 1000), [secret]),
    },
    body,
  }),
  accepts: (status) => status >= 200 && status < 300,
  wants: "any 2xx",
  repeats: [...gaps(20, 3), ...gaps(27, 51), ...gaps(13, 221)],
};

type Event = readonly [name: string, data: object];

function eventsFor(order: Checkout, happening: Happening): readonly Event[] {
  const { kind } = happening;
  switch (kind) {
    case "payment":
      return [...subscriptionEvents(order, happening), ["transaction.completed", transaction(order, happening)]];
    case "trial": {
      const data = subscription(order, happening, { status: "trialing" });
      return [
        ["subscription.created", data],
        ["subscription.trialing", data],
        ["transaction.completed", transaction(order, happening)],
      ];
    }
    case "payment_failed": {
      const data = subscription(order, happening, { status: "past_due" });
      return [
        ["transaction.payment_failed", transaction(order, happening)],
        ["subscription.past_due", data],
        ["subscription.updated", data],
      ];
    }
    case "refund":
      return [
        ["adjustment.created", adjustment(order, happening, "refund", "pending_approval")],
        ["adjustment.updated", adjustment(order, happening, "refund", "approved")],
      ];
    case "dispute_opened":
      return [["adjustment.created", adjustment(order, happening, "chargeback", "approved")]];
    case "dispute_won":
      return [["adjustment.created", adjustment(order, happening, "chargeback_reverse", "approved")]];
    case "cancelled":
      return [["subscription.updated", subscription(order, happening)]];
    case "dispute_lost":
    case "announced":
      return [];
    default:
      return kind satisfies never;
  }
}

/** What a payment changes about its subscription; the one after a trial makes it active. */
function subscriptionEvents(order: Checkout, happening: Happening): readonly Event[] {
  if (happening.article.plan.kind === "once") return [];
  const data = subscription(order, happening);
  if (begins(order, happening)) {
    return [
      ["subscription.created", data],
      ["subscription.activated", data],
    ];
  }
  const updated: Event = ["subscription.updated", data];
  return happening.rate === 1 ? [["subscription.activated", data], updated] : [updated];
}

function telling(event: string, data: object, { kind, transactionId: about, at }: Happening): Telling {
  const message = {
    event_id: paddleId("evt", event, kind, about),
    event_type: event,
    occurred_at: iso(at),
    notification_id: paddleId("ntf", event, kind, about),
    data,
  };
  return { event, body: new TextEncoder().encode(JSON.stringify(message)) };
}

function gaps(times: number, minutes: number): number[] {
  return Array.from({ length: times }, () => minutes * 60_000);
}
