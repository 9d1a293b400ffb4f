import type { Signed } from "@paybell/protocols/format";
import { sign } from "@paybell/protocols/stripe/sign";
import { type Article, vatWithin } from "../catalogue.ts";
import type { Checkout, Happening } from "../happening.ts";
import type { Telling, Voice } from "../voice.ts";
import { letters, madeUp, madeUpUuid } from "./made-up.ts";

/**
 * COPE: CloudEvents, delivered by any 2xx. It has no words for a failed payment, a trial or instalments, and does not
 * say when the next payment is due; a chargeback's message names neither order nor payment, so the dispute's tells it.
 * Source: docs.cope.com, webhooks; renewals, what a cancellation holds and how the repeats grow are guesses
 */
export const copeVoice: Voice = {
  protocol: "cope",
  title: "COPE",
  testsApart: true,
  secretFor: (text) => `whsec_${madeUp(letters, 32, "cope secret", text)}`,
  productId,
  orderId,
  tell: (order, happening) =>
    happening.article.plan.kind === "instalments"
      ? []
      : typesFor(happening).map((type) => telling(type, order, happening)),
  // Exactly as Stripe signs, under another header.
  async sign({ id, body }, secret, at): Promise<Signed> {
    return {
      headers: {
        "content-type": "application/json",
        "x-cope-signature": await sign(body, secret, at),
        "x-cope-timestamp": String(Math.floor(at / 1000)),
        ...(id !== undefined && { "x-cope-event-id": id }),
      },
      body,
    };
  },
  accepts: (status) => status >= 200 && status < 300,
  wants: "any 2xx",
  repeats: [10, 60, 300, 1800, 7200].map((seconds) => seconds * 1000),
};

/** An order's completion and its sale tell of the same money; later payments are sales alone. */
function typesFor({ kind, rate = 1, upsell }: Happening): readonly string[] {
  switch (kind) {
    case "payment":
      return rate === 1 && !upsell ? ["cart.order.completed", "payment.sale.succeeded"] : ["payment.sale.succeeded"];
    case "refund":
      return ["payment.refund.created"];
    case "dispute_opened":
      return ["payment.dispute.opened"];
    case "dispute_won":
      return ["payment.dispute.won"];
    case "dispute_lost":
      return ["payment.dispute.lost"];
    case "cancelled":
      return ["subscription.cancelled"];
    case "payment_failed":
    case "trial":
    case "announced":
      return [];
    default:
      return kind satisfies never;
  }
}

function productId({ id }: Article): string {
  return madeUpUuid("cope product", id);
}

function orderId(order: Checkout): string {
  return madeUpUuid("cope order", order.orderId);
}

function telling(type: string, order: Checkout, happening: Happening): Telling {
  const { kind, id } = subjectOf(type, order, happening);
  const key = `${type}:${id}`;
  const time = new Date(happening.at).toISOString();
  const body = {
    specversion: "1.0",
    id: key,
    source: type.startsWith("cart.") ? "cope.cart" : "cope.payment",
    type,
    subject: `${kind}:${id}`,
    time,
    datacontenttype: "application/json",
    dataschema: `https://schemas.cope.com/events/${type}/v1`,
    idempotency_key: key,
    data: { event_type: type, ...dataOf(type, order, happening), occurred_at: time },
  };
  return {
    event: type,
    id: `evt_${madeUp(letters, 24, "cope event", key)}`,
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}

function subjectOf(type: string, order: Checkout, { transactionId }: Happening): { kind: string; id: string } {
  if (type.startsWith("cart.")) return { kind: "order", id: orderId(order) };
  if (type.startsWith("subscription.")) return { kind: "subscription", id: subscriptionId(order) };
  if (type.startsWith("payment.refund.")) return { kind: "refund", id: madeUpUuid("cope refund", transactionId) };
  if (type.startsWith("payment.dispute.")) return { kind: "dispute", id: madeUpUuid("cope dispute", transactionId) };
  return { kind: "payment", id: paymentId(transactionId) };
}

function paymentId(transactionId: string): string {
  return madeUpUuid("cope payment", transactionId);
}

function subscriptionId(order: Checkout): string {
  return madeUpUuid("cope subscription", order.orderId);
}

function dataOf(type: string, order: Checkout, happening: Happening): object {
  const { article, transactionId, paymentId: paid } = happening;
  const cents = happening.cents ?? article.cents;
  const repeats = article.plan.kind === "subscription";
  const subscription = repeats ? { subscription: { uuid: subscriptionId(order) } } : {};
  if (type === "subscription.cancelled") return { order: { uuid: orderId(order) }, ...subscription };
  if (type.startsWith("payment.dispute.")) {
    const dispute = {
      dispute_uuid: madeUpUuid("cope dispute", transactionId),
      original_payment_uuid: paymentId(paid ?? transactionId),
      amount_cents: cents,
      currency: "EUR",
      state: type.slice("payment.dispute.".length),
    };
    return { schema_version: "1.2", dispute };
  }
  const isRefund = type === "payment.refund.created";
  return {
    schema_version: isRefund ? "1.4" : "1.3",
    business: { uuid: madeUpUuid("cope business") },
    buyer: buyerOf(order),
    currency: "EUR",
    line_items: [lineOf(article, cents)],
    order: { uuid: orderId(order) },
    order_overview_url: null,
    payment: { uuid: paymentId(paid ?? transactionId) },
    payment_method: "card",
    promo: null,
    rail: "card",
    totals: amountsOf(cents),
    ...(isRefund && { refund: { uuid: madeUpUuid("cope refund", transactionId), amount_cents: cents } }),
    ...subscription,
  };
}

function buyerOf({ person, buyerId, email }: Checkout): object {
  return {
    uuid: madeUpUuid("cope buyer", buyerId),
    email,
    first_name: person.first,
    last_name: person.last,
    country_code: "DE",
    address: { city: person.city, country: "DE" },
  };
}

function lineOf(article: Article, cents: number): object {
  return { product: { uuid: productId(article), name: article.name }, quantity: 1, amounts: amountsOf(cents) };
}

function amountsOf(cents: number): object {
  const vat = vatWithin(cents);
  return { gross_cents: cents, net_cents: cents - vat, vat_cents: vat };
}
