import { sign } from "@paybell/protocols/stripe/sign";
import type { Checkout, Happening } from "../happening.ts";
import { begins, comesLate } from "../period.ts";
import type { Telling, Voice } from "../voice.ts";
import { letters, madeUp } from "./made-up.ts";
import { charge, dispute, intent, invoicePayment, refund, session } from "./stripe-payments.ts";
import { intentId, productId, subscriptionId } from "./stripe-ids.ts";
import { invoice, renewed, subscription } from "./stripe-subscriptions.ts";

/**
 * Stripe, API version 2026-10-28.endive: an endpoint that listens to checkouts, invoices, subscriptions, payments that
 * came in, refunds and disputes. It has no instalments. What is bought later is a checkout, and an order, of its own.
 * Source: Stripe, webhooks; that it repeats for three days is published, how the gaps grow is a guess
 */
export const stripeVoice: Voice = {
  protocol: "stripe",
  title: "Stripe",
  secretFor: (text) => `whsec_${madeUp(letters, 32, "stripe secret", text)}`,
  productId,
  orderId: (order, happening) =>
    happening.article.plan.kind === "once"
      ? intentId(happening.paymentId ?? happening.transactionId)
      : subscriptionId(order, happening.article),
  tell(order, happening) {
    if (happening.article.plan.kind === "instalments") return [];
    return eventsFor(order, happening).map((event) => telling(event, order, happening));
  },
  sign: async ({ body }, secret, at) => ({
    headers: {
      "content-type": "application/json; charset=utf-8",
      "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
      "stripe-signature": await sign(body, secret, at),
    },
    body,
  }),
  accepts: (status) => status >= 200 && status < 300,
  wants: "any 2xx",
  repeats: [5, 30, 120, 300, 600, 720, 720, 720, 720].map((minutes) => minutes * 60_000),
};

type Event = { readonly type: string; readonly object: object; readonly previous?: object };

function eventsFor(order: Checkout, happening: Happening): readonly Event[] {
  const { kind } = happening;
  switch (kind) {
    case "payment":
      return happening.article.plan.kind === "once" ? sold(order, happening) : paid(order, happening);
    case "trial":
      return [
        { type: "checkout.session.completed", object: session(order, happening) },
        { type: "customer.subscription.created", object: subscription(order, happening, { status: "trialing" }) },
        { type: "invoice.paid", object: invoice(order, happening) },
      ];
    case "payment_failed":
      return [
        { type: "invoice.payment_failed", object: invoice(order, happening) },
        {
          type: "customer.subscription.updated",
          object: subscription(order, happening, { status: "past_due" }),
          previous: { status: "active" },
        },
      ];
    case "refund": {
      const previous = { amount_refunded: 0, receipt_url: null, refunded: false };
      return [
        { type: "refund.created", object: refund(happening) },
        { type: "charge.refunded", object: charge(order, happening), previous },
        { type: "refund.updated", object: refund(happening), previous: { destination_details: null } },
      ];
    }
    case "dispute_opened":
      return ["charge.dispute.funds_withdrawn", "charge.dispute.created"].map((type) => ({
        type,
        object: dispute(order, happening, "needs_response"),
      }));
    case "dispute_won":
      return ["charge.dispute.funds_reinstated", "charge.dispute.closed"].map((type) => ({
        type,
        object: dispute(order, happening, "won"),
      }));
    case "dispute_lost":
      return [{ type: "charge.dispute.closed", object: dispute(order, happening, "lost") }];
    case "cancelled":
      return [cancelled(order, happening)];
    case "announced":
      return [{ type: "invoice.upcoming", object: invoice(order, happening) }];
    default:
      return kind satisfies never;
  }
}

function sold(order: Checkout, happening: Happening): readonly Event[] {
  return [...moneyIn(order, happening), { type: "checkout.session.completed", object: session(order, happening) }];
}

/** A payment of a subscription; the first of all comes with the checkout. */
function paid(order: Checkout, happening: Happening): readonly Event[] {
  const object = subscription(order, happening);
  const first = begins(order, happening);
  const changed = comesLate(order, happening) ? { status: "past_due" } : renewed(order, happening);
  return [
    ...moneyIn(order, happening),
    ...(first
      ? [
          { type: "checkout.session.completed", object: session(order, happening) },
          { type: "customer.subscription.created", object },
        ]
      : [{ type: "customer.subscription.updated", object, previous: changed }]),
    { type: "invoice.paid", object: invoice(order, happening) },
    { type: "invoice.payment_succeeded", object: invoice(order, happening) },
    { type: "invoice_payment.paid", object: invoicePayment(order, happening) },
  ];
}

function moneyIn(order: Checkout, happening: Happening): readonly Event[] {
  return [
    { type: "charge.succeeded", object: charge(order, happening) },
    { type: "payment_intent.succeeded", object: intent(order, happening) },
  ];
}

function cancelled(order: Checkout, happening: Happening): Event {
  const object = subscription(order, happening, {
    cancel_at_period_end: true,
    canceled_at: Math.floor(happening.at / 1000),
    cancellation_details: { comment: null, feedback: null, reason: "cancellation_requested" },
  });
  const previous = {
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { reason: null },
  };
  return {
    type: "customer.subscription.updated",
    object: { ...object, cancel_at: object.items.data[0]?.current_period_end },
    previous,
  };
}

/** Stripe prints its events for people to read. */
function telling({ type, object, previous }: Event, order: Checkout, { at, transactionId, kind }: Happening): Telling {
  const event = {
    id: `evt_1${madeUp(letters, 23, "stripe event", type, kind, transactionId)}`,
    object: "event",
    api_version: "2026-10-28.endive",
    created: Math.floor(at / 1000),
    data: { object, ...(previous && { previous_attributes: previous }) },
    livemode: !order.test,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  };
  return { event: type, body: new TextEncoder().encode(JSON.stringify(event, undefined, 2)) };
}
