import { type Article, vatWithin } from "../catalogue.ts";
import type { Checkout, Happening } from "../happening.ts";
import { periodOf } from "../period.ts";
import type { Telling, Voice } from "../voice.ts";
import { letters, madeUp, madeUpNumber, madeUpUuid } from "./made-up.ts";

/**
 * Hotmart, version 2.0.0: proven by a token in a header alone. Every purchase is an order of its own, all payments of a
 * subscription are one. What it tells of a trial, of a part given back and of a chargeback's end is not published, and a
 * plan of instalments is between the buyer and the bank. Tests are not marked.
 * Source: Hotmart "Webhook 2.0"; when it repeats is a guess
 */
export const hotmartVoice: Voice = {
  protocol: "hotmart",
  title: "Hotmart",
  testsApart: true,
  secretFor: (text) => madeUp(letters, 40, "hotmart hottok", text),
  productId,
  orderId: (order, happening) =>
    happening.article.plan.kind === "once" ? transactionId(happening) : subscriberCode(order, happening.article),
  tell(order, happening) {
    const event = eventFor(happening);
    return event === undefined ? [] : [telling(event, order, happening)];
  },
  sign: async ({ body }, secret) => ({
    headers: { "content-type": "application/json; charset=utf-8", "x-hotmart-hottok": secret },
    body,
  }),
  accepts: (status) => status >= 200 && status < 300,
  wants: "any 2xx",
  repeats: [1, 5, 15, 60, 360].map((minutes) => minutes * 60_000),
};

function eventFor({ kind, article, cents = article.cents }: Happening): string | undefined {
  if (article.plan.kind === "instalments") return undefined;
  switch (kind) {
    case "payment":
      return "PURCHASE_APPROVED";
    case "payment_failed":
      return "PURCHASE_DELAYED";
    case "refund":
      return cents < article.cents ? undefined : "PURCHASE_REFUNDED";
    case "dispute_opened":
      return "PURCHASE_CHARGEBACK";
    case "cancelled":
      return "SUBSCRIPTION_CANCELLATION";
    case "dispute_won":
    case "dispute_lost":
    case "trial":
    case "announced":
      return undefined;
    default:
      return kind satisfies never;
  }
}

function telling(event: string, order: Checkout, happening: Happening): Telling {
  const message = {
    id: madeUpUuid("hotmart message", event, happening.transactionId),
    creation_date: Math.floor(happening.at),
    event,
    version: "2.0.0",
    data: event === "SUBSCRIPTION_CANCELLATION" ? cancellation(order, happening) : purchase(event, order, happening),
  };
  return { event, body: new TextEncoder().encode(JSON.stringify(message)) };
}

function purchase(event: string, order: Checkout, happening: Happening): object {
  const { article, kind, at, rate = 1 } = happening;
  const { person, email } = order;
  const repeats = article.plan.kind === "subscription";
  const status = event.slice("PURCHASE_".length);
  const price = { value: article.cents / 100, currency_value: "EUR" };
  return {
    product: productOf(article),
    buyer: { email, name: `${person.first} ${person.last}`, first_name: person.first, last_name: person.last },
    purchase: {
      transaction: transactionId(happening),
      status,
      ...(kind === "payment" && { approved_date: Math.floor(at) }),
      order_date: Math.floor(repeats || kind !== "payment" ? order.at : at),
      price,
      full_price: price,
      original_offer_price: price,
      tax: { name: "VAT", value: vatWithin(article.cents) / 100 },
      payment: { type: "CREDIT_CARD", installments_number: 1 },
      offer: { code: madeUp("abcdefghijklmnopqrstuvwxyz0123456789", 8, "hotmart offer", article.id) },
      order_bump: { is_order_bump: false },
      ...(repeats && { recurrence_number: rate, date_next_charge: periodOf(order, happening).end }),
    },
    ...(repeats && {
      subscription: {
        status: kind === "payment_failed" ? "DELAYED" : "ACTIVE",
        plan: planOf(article),
        subscriber: { code: subscriberCode(order, article) },
      },
    }),
  };
}

/** The next charge, which no longer comes, is the end of what was paid. */
function cancellation(order: Checkout, happening: Happening): object {
  const { article, at } = happening;
  const { person, email } = order;
  return {
    cancellation_date: Math.floor(at),
    date_next_charge: periodOf(order, happening).end,
    actual_recurrence_value: article.cents / 100,
    product: productOf(article),
    subscriber: { code: subscriberCode(order, article), name: `${person.first} ${person.last}`, email },
    subscription: {
      id: Number(madeUpNumber(7, "hotmart subscription", order.orderId, article.id)),
      plan: planOf(article),
    },
  };
}

/** Of the payment this is about: a refund and a chargeback have its number. */
function transactionId({ transactionId: own, paymentId = own }: Happening): string {
  return `HP${madeUpNumber(13, "hotmart transaction", paymentId)}`;
}

function subscriberCode({ orderId }: Checkout, { id }: Article): string {
  return madeUp("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 8, "hotmart subscriber", orderId, id);
}

function productId({ id }: Article): string {
  return madeUpNumber(7, "hotmart product", id);
}

function productOf(article: Article): object {
  return { id: Number(productId(article)), ucode: madeUpUuid("hotmart product", article.id), name: article.name };
}

function planOf({ id, name }: Article): object {
  return { id: Number(madeUpNumber(6, "hotmart plan", id)), name };
}
