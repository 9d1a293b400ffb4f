import { vatWithin } from "../catalogue.ts";
import type { Checkout, Happening } from "../happening.ts";
import { letters, madeUp } from "./made-up.ts";
import { chargeId, customerId, intentId, invoiceId, productId, stripeId, subscriptionId } from "./stripe-ids.ts";

/**
 * A checkout. What was bought is not in its event: the seller has written the product into the metadata.
 * Source: Stripe API, "The Checkout Session object"
 */
export function session(order: Checkout, happening: Happening): object {
  const { article, transactionId, kind, rate = 1 } = happening;
  const cents = kind === "trial" ? 0 : article.cents;
  const repeats = article.plan.kind === "subscription";
  return {
    id: `cs_${order.test ? "test" : "live"}_${madeUp(letters, 58, "stripe session", transactionId)}`,
    object: "checkout.session",
    amount_subtotal: cents,
    amount_total: cents,
    client_reference_id: null,
    created: seconds(order.at),
    currency: "eur",
    customer: customerId(order),
    customer_details: { ...personOf(order), tax_exempt: "none", tax_ids: [] },
    customer_email: null,
    invoice: repeats ? invoiceId(order, article, kind === "trial" ? 0 : rate) : null,
    livemode: !order.test,
    locale: "de",
    metadata: { product_id: productId(article) },
    mode: repeats ? "subscription" : "payment",
    payment_intent: repeats ? null : intentId(transactionId),
    payment_link: null,
    payment_method_types: ["card"],
    payment_status: cents === 0 ? "no_payment_required" : "paid",
    status: "complete",
    subscription: repeats ? subscriptionId(order, article) : null,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: vatWithin(cents) },
  };
}

/** Since basil it names no invoice. Source: Stripe API, "The PaymentIntent object" */
export function intent(order: Checkout, { article, transactionId, at }: Happening): object {
  return {
    id: intentId(transactionId),
    object: "payment_intent",
    amount: article.cents,
    amount_received: article.cents,
    created: seconds(at),
    currency: "eur",
    customer: customerId(order),
    description: article.plan.kind === "subscription" ? "Subscription update" : null,
    latest_charge: chargeId(transactionId),
    livemode: !order.test,
    metadata: {},
    payment_method_types: ["card"],
    receipt_email: null,
    status: "succeeded",
  };
}

/** With what was given back of it, if this is a refund. Source: Stripe API, "The Charge object" */
export function charge(order: Checkout, happening: Happening): object {
  const { article, kind, at, transactionId, paymentId = transactionId, cents = article.cents } = happening;
  const refunded = kind === "refund" ? cents : 0;
  return {
    id: chargeId(paymentId),
    object: "charge",
    amount: article.cents,
    amount_captured: article.cents,
    amount_refunded: refunded,
    billing_details: personOf(order),
    captured: true,
    created: seconds(kind === "refund" ? order.at : at),
    currency: "eur",
    customer: customerId(order),
    disputed: false,
    livemode: !order.test,
    metadata: {},
    paid: true,
    payment_intent: intentId(paymentId),
    refunded: refunded >= article.cents,
    status: "succeeded",
  };
}

/** Source: Stripe API, "The Refund object" */
export function refund({ article, transactionId, paymentId = "", at, cents = article.cents }: Happening): object {
  return {
    id: stripeId("re_3", transactionId),
    object: "refund",
    amount: cents,
    charge: chargeId(paymentId),
    created: seconds(at),
    currency: "eur",
    destination_details: { card: { reference_status: "pending", type: "refund" }, type: "card" },
    metadata: {},
    payment_intent: intentId(paymentId),
    reason: "requested_by_customer",
    status: "succeeded",
  };
}

/** Source: Stripe API, "The Dispute object" */
export function dispute(order: Checkout, happening: Happening, status: "needs_response" | "won" | "lost"): object {
  const { article, transactionId, paymentId = "", at, cents = article.cents } = happening;
  return {
    id: stripeId("dp_1", transactionId),
    object: "dispute",
    amount: cents,
    charge: chargeId(paymentId),
    created: seconds(at),
    currency: "eur",
    is_charge_refundable: false,
    livemode: !order.test,
    metadata: {},
    payment_intent: intentId(paymentId),
    payment_method_details: { card: { brand: "visa", case_type: "chargeback" }, type: "card" },
    reason: "fraudulent",
    status,
  };
}

/** What ties an invoice to its payment. Source: Stripe API, "The Invoice Payment object" */
export function invoicePayment(order: Checkout, { article, transactionId, at, rate = 1 }: Happening): object {
  return {
    id: stripeId("inpay_1", transactionId),
    object: "invoice_payment",
    amount_paid: article.cents,
    amount_requested: article.cents,
    created: seconds(at),
    currency: "eur",
    invoice: invoiceId(order, article, rate),
    is_default: true,
    livemode: !order.test,
    payment: { payment_intent: intentId(transactionId), type: "payment_intent" },
    status: "paid",
    status_transitions: { canceled_at: null, paid_at: seconds(at) },
  };
}

export function seconds(at: number): number {
  return Math.floor(at / 1000);
}

function personOf({ person, email }: Checkout): object {
  return {
    address: { city: person.city, country: "DE", line1: null, line2: null, postal_code: null, state: null },
    email,
    name: `${person.first} ${person.last}`,
    phone: null,
  };
}
