import type { CopecartMessage } from "@paybell/protocols/copecart/fields";
import { render, type RenderOptions } from "@paybell/protocols/copecart/render";
import { sign } from "@paybell/protocols/copecart/sign";
import { formatMajor, parseCurrency } from "@paybell/protocols/domain/money";
import { repeatsOf } from "../../send/schedule.ts";
import { type Article, vatWithin } from "../catalogue.ts";
import { type Checkout, dayIn, type Happening, inShop } from "../happening.ts";
import type { Voice } from "../voice.ts";

/**
 * CopeCart: delivered by status 200 with the body `OK` alone; ten repeats over three hours, evenly spaced.
 * Source: CopeCart "IPN" 1.6.7 for number and span; the spacing is a guess
 */
export function copecartVoice(options: RenderOptions = { money: "text", missing: "null" }): Voice {
  return {
    protocol: "copecart",
    title: "CopeCart",
    secretFor: (text) => text,
    productId: (article) => article.id,
    orderId: (order) => order.orderId,
    tell(order, happening) {
      const message = messageOf(order, happening);
      return [{ event: message.event_type, body: render(message, options) }];
    },
    sign: async ({ body }, secret) => ({
      headers: {
        "content-type": "application/json",
        "user-agent": "Copecart",
        "x-copecart-signature": await sign(body, secret),
      },
      body,
    }),
    accepts: (status, answer) => status === 200 && answer === "OK",
    wants: "200 with the body OK",
    repeats: repeatsOf("copecart"),
  };
}

type Words = {
  readonly event: CopecartMessage["event_type"];
  readonly status: string;
  readonly transaction: "sale" | "refund" | "chargeback";
};

function wordsFor(kind: Happening["kind"]): Words {
  switch (kind) {
    case "payment":
      return { event: "payment.made", status: "paid", transaction: "sale" };
    case "payment_failed":
      return { event: "payment.failed", status: "failed", transaction: "sale" };
    case "refund":
      return { event: "payment.refunded", status: "successed_refunded", transaction: "refund" };
    case "dispute_opened":
      return { event: "payment.charged_back", status: "chargeback_succeeded", transaction: "chargeback" };
    case "dispute_won":
      return { event: "payment.charged_back", status: "chargeback_failed", transaction: "chargeback" };
    case "dispute_lost":
      return { event: "payment.failed", status: "failed_as_chargeback", transaction: "chargeback" };
    case "trial":
      return { event: "payment.trial", status: "trial", transaction: "sale" };
    case "cancelled":
      return { event: "payment.recurring.cancelled", status: "paid", transaction: "sale" };
    case "announced":
      return { event: "payment.recurring.upcoming", status: "upcoming", transaction: "sale" };
    default:
      return kind satisfies never;
  }
}

/** Three statuses have a form of their own in test orders. */
function statusOf({ status }: Words, { test }: Checkout): string {
  return test && ["paid", "trial", "successed_refunded"].includes(status) ? `test_${status}` : status;
}

const planNames = { once: "one_time_payment", subscription: "abonnement", instalments: "breakdown_payment" } as const;

/** Writes what happened as CopeCart's fields. Source: CopeCart "IPN" 1.6.7; values as in captured messages */
function messageOf(order: Checkout, happening: Happening): CopecartMessage {
  const { article } = happening;
  const { plan } = article;
  const words = wordsFor(happening.kind);
  const price = amount(article.cents);
  const common = {
    ...buyerFields(order),
    ...productFields(article, happening.upsell ?? false),
    first_payment: price,
    frequency: plan.kind === "once" ? null : "monthly",
    next_payments: plan.kind === "once" ? null : price,
    next_payment_at: happening.next ?? null,
    total_number_of_payments: plan.kind === "instalments" ? plan.total : null,
    is_cancelled_for: happening.cancelledFor ?? null,
    order_id: order.orderId,
    order_date: dayIn(order.at),
    order_time: inShop(order.at).toPlainTime().toString({ smallestUnit: "minute" }),
    payment_method: order.test ? "test" : "credit_card",
    payment_plan: planNames[plan.kind],
    payment_status: statusOf(words, order),
    shipping_price: "0.0",
  };
  const { event } = words;
  if (event === "payment.recurring.upcoming")
    return { ...common, earned_amount: earned(article.cents, order), event_type: event };
  if (event === "payment.recurring.cancelled")
    return {
      ...common,
      earned_amount: earned(article.cents, order),
      subscription_state: "in_progress",
      event_type: event,
    };
  return { ...common, ...transactionFields(order, happening, words), event_type: event };
}

function buyerFields({ person, buyerId, email }: Checkout) {
  return {
    buyer_city: person.city,
    buyer_company_name: "",
    buyer_country: "Deutschland",
    buyer_country_code: "DE",
    buyer_email: email,
    buyer_firstname: person.first,
    buyer_id: buyerId,
    buyer_lastname: person.last,
    buyer_subscribed_for_newsletter: false,
    buyer_vat_number: "",
  };
}

function productFields(article: Article, isUpsell: boolean) {
  return {
    is_addon: false,
    is_upsell: isUpsell,
    product_id: article.id,
    product_internal_name: article.internalName,
    product_name: article.name,
    product_type: article.type,
    quantity: 1,
    tags: [],
  };
}

function transactionFields(order: Checkout, { article, at, cents = article.cents, ...rest }: Happening, words: Words) {
  const timestamp = inShop(at).toString({ timeZoneName: "never", smallestUnit: "second" });
  const gross = amount(cents);
  const vat = amount(vatWithin(cents));
  return {
    earned_amount: earned(cents, order),
    rate_number: rest.rate ?? 1,
    test_payment: order.test,
    transaction_id: rest.transactionId,
    transaction_type: words.transaction,
    transaction_date: timestamp,
    transaction_processed_at: timestamp,
    transaction_currency: "EUR",
    transaction_amount: gross,
    transaction_vat_amount: vat,
    transaction_amount_per_product: [
      {
        amount: gross,
        vat_amount: vat,
        slug: article.id,
        is_addon: false,
        name: article.name,
        internal_name: article.internalName,
      },
    ],
    transaction_earned_amount: earned(cents, order),
    transaction_discount_amount: "0.0",
    line_item_amount: gross,
    line_item_vat_amount: vat,
    product_discount_amount: "0.0",
    bundle_addon: false,
  };
}

const euro = parseCurrency("EUR")!;

function amount(cents: number): string {
  return formatMajor({ minor: BigInt(cents), currency: euro });
}

/** After VAT and the provider's share; a test order earns nothing. */
function earned(cents: number, { test }: Checkout): string {
  return test ? "0" : amount(Math.round((cents - vatWithin(cents)) * 0.938));
}
