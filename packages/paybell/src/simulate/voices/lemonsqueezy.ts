import { sign } from "@paybell/protocols/lemonsqueezy/sign";
import type { Checkout, Happening } from "../happening.ts";
import { begins, comesLate } from "../period.ts";
import type { Telling, Voice } from "../voice.ts";
import { invoice, order, orderNumber, subscription, variantNumber } from "./lemonsqueezy-objects.ts";
import { letters, madeUp } from "./made-up.ts";

/**
 * Lemon Squeezy: delivered by 200 alone, tried four times within minutes and never again. It has no instalments, and no
 * words for disputes or for payments to come. Each thing bought is an order of its own.
 * Source: Lemon Squeezy, webhooks
 */
export const lemonsqueezyVoice: Voice = {
  protocol: "lemonsqueezy",
  title: "Lemon Squeezy",
  secretFor: (text) => madeUp(letters, 40, "lemonsqueezy secret", text),
  productId: variantNumber,
  orderId: orderNumber,
  tell(checkout, happening) {
    if (happening.article.plan.kind === "instalments") return [];
    return eventsFor(checkout, happening).map(([event, data]) => telling(event, data, checkout));
  },
  sign: async ({ event, body }, secret) => ({
    headers: { "content-type": "application/json", "x-event-name": event, "x-signature": await sign(body, secret) },
    body,
  }),
  accepts: (status) => status === 200,
  wants: "exactly 200",
  repeats: [5, 25, 125].map((seconds) => seconds * 1000),
};

type Event = readonly [name: string, data: object];

function eventsFor(checkout: Checkout, happening: Happening): readonly Event[] {
  const { kind } = happening;
  switch (kind) {
    case "payment":
      return happening.article.plan.kind === "once"
        ? [["order_created", order(checkout, happening)]]
        : paid(checkout, happening);
    case "trial":
      return [
        ["order_created", order(checkout, happening)],
        ["subscription_created", subscription(checkout, happening, { status: "on_trial" })],
      ];
    case "payment_failed":
      return [
        ["subscription_payment_failed", invoice(checkout, happening)],
        ["subscription_updated", subscription(checkout, happening, { status: "past_due" })],
      ];
    case "refund":
      return [["order_refunded", order(checkout, happening)]];
    case "cancelled": {
      const data = subscription(checkout, happening, { status: "cancelled", cancelled: true });
      return [
        ["subscription_cancelled", data],
        ["subscription_updated", data],
      ];
    }
    case "dispute_opened":
    case "dispute_won":
    case "dispute_lost":
    case "announced":
      return [];
    default:
      return kind satisfies never;
  }
}

/** The first payment is told by the order, and by an invoice that says so; what failed before is recovered, too. */
function paid(checkout: Checkout, happening: Happening): readonly Event[] {
  const money: Event = ["subscription_payment_success", invoice(checkout, happening)];
  const data = subscription(checkout, happening);
  if (begins(checkout, happening))
    return [["order_created", order(checkout, happening)], ["subscription_created", data], money];
  const recovered: Event[] = comesLate(checkout, happening)
    ? [["subscription_payment_recovered", invoice(checkout, happening)]]
    : [];
  return [money, ...recovered, ["subscription_updated", data]];
}

function telling(event: string, data: object, { test }: Checkout): Telling {
  const message = { meta: { test_mode: test, event_name: event }, data };
  return { event, body: new TextEncoder().encode(JSON.stringify(message)) };
}
