import { type Day, type Instant, parseDay } from "@paybell/protocols/domain/day";
import type { CopecartMessage } from "@paybell/protocols/copecart/fields";
import { formatMajor, parseCurrency } from "@paybell/protocols/domain/money";
import { Temporal } from "temporal-polyfill";
import type { Article, Person } from "./catalogue.ts";
import type { Random } from "./random.ts";

/** One checkout at CopeCart. */
export type Checkout = {
  readonly orderId: string;
  readonly buyerId: string;
  readonly email: string;
  readonly person: Person;
  readonly at: Instant;
  /** no money moves */
  readonly test: boolean;
};

/** What one message says beyond the checkout it belongs to. */
export type Happening = {
  readonly event: CopecartMessage["event_type"];
  readonly status: string;
  readonly article: Article;
  readonly at: Instant;
  readonly transactionId?: string;
  readonly transaction?: "sale" | "refund" | "chargeback";
  /** of this transaction; without it the article's price */
  readonly cents?: number;
  readonly rate?: number;
  readonly next?: Day | null;
  readonly cancelledFor?: Day;
  readonly upsell?: boolean;
};

/** A new buyer's checkout; `test` marks it as CopeCart marks the vendor's own test orders. */
export function checkout(random: Random, person: Person, at: Instant, test: boolean): Checkout {
  const plain = `${person.first}.${person.last}`
    .toLowerCase()
    .normalize("NFD")
    .replace(/[^a-z.]/g, "");
  return {
    orderId: random.text(8, lettersAndDigits),
    buyerId: random.text(16, hexDigits),
    // A buyer nobody has met, so that what is asked about this run speaks of this run.
    email: `${plain}.${random.text(5, "abcdefghjkmnpqrstuvwxyz23456789")}@${person.domain}`,
    person,
    at,
    test,
  };
}

export function newTransactionId(random: Random): string {
  return random.text(16, hexDigits);
}

const hexDigits = "0123456789abcdef";
const lettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Writes what happened as CopeCart's fields. Source: CopeCart "IPN" 1.6.7; values as in captured messages */
export function messageOf(order: Checkout, happening: Happening): CopecartMessage {
  const { article } = happening;
  const { plan } = article;
  const price = amount(article.cents);
  const common = {
    ...buyerFields(order),
    ...productFields(article, happening.upsell ?? false),
    first_payment: price,
    frequency: plan.kind === "one_time_payment" ? null : "monthly",
    next_payments: plan.kind === "one_time_payment" ? null : price,
    next_payment_at: happening.next ?? null,
    total_number_of_payments: plan.kind === "breakdown_payment" ? plan.total : null,
    is_cancelled_for: happening.cancelledFor ?? null,
    order_id: order.orderId,
    order_date: dayIn(order.at),
    order_time: inShop(order.at).toPlainTime().toString({ smallestUnit: "minute" }),
    payment_method: order.test ? "test" : "credit_card",
    payment_plan: plan.kind,
    payment_status: happening.status,
    shipping_price: "0.0",
  };
  const { event } = happening;
  if (event === "payment.recurring.upcoming")
    return { ...common, earned_amount: earned(article.cents, order), event_type: event };
  if (event === "payment.recurring.cancelled")
    return {
      ...common,
      earned_amount: earned(article.cents, order),
      subscription_state: "in_progress",
      event_type: event,
    };
  return { ...common, ...transactionFields(order, happening), event_type: event };
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

function transactionFields(order: Checkout, { article, at, cents = article.cents, ...rest }: Happening) {
  const timestamp = inShop(at).toString({ timeZoneName: "never", smallestUnit: "second" });
  const gross = amount(cents);
  const vat = amount(vatWithin(cents));
  return {
    earned_amount: earned(cents, order),
    rate_number: rest.rate ?? 1,
    test_payment: order.test,
    transaction_id: rest.transactionId ?? "",
    transaction_type: rest.transaction ?? "sale",
    transaction_date: timestamp,
    transaction_processed_at: rest.event === "payment.pending" ? null : timestamp,
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

/** German VAT of 19 %, contained in the gross price. */
function vatWithin(cents: number): number {
  return Math.round((cents * 19) / 119);
}

/** After VAT and the provider's share; a test order earns nothing. */
function earned(cents: number, { test }: Checkout): string {
  return test ? "0" : amount(Math.round((cents - vatWithin(cents)) * 0.938));
}

/** The day in the shop's zone. */
export function dayIn(at: Instant): Day {
  const day = parseDay(inShop(at).toPlainDate().toString());
  if (day === undefined) throw new Error("A day as Temporal prints it has to be one.");
  return day;
}

/** The same clock time some calendar months or days later. */
export function later(at: Instant, span: { readonly months?: number; readonly days?: number }): Instant {
  return inShop(at).add(span).epochMilliseconds;
}

function inShop(at: Instant): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(at)).toZonedDateTimeISO("Europe/Berlin");
}
