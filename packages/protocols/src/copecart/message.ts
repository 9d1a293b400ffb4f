import { berlinDay, inBerlin, lastBerlinDay } from "../berlin.ts";
import { parseInstant } from "../domain/day.ts";
import type { PaymentData } from "../domain/payment.ts";
import type { Outgoing } from "../format.ts";
import { paymentOf } from "../payment-of.ts";
import { germanCountryName } from "./country.ts";
import type { CopecartMessage } from "./fields.ts";
import { type Occasion, occasions } from "./occasions.ts";
import { frequencyOf } from "./plan.ts";
import { amountOf, type Told, transactionFields } from "./transaction.ts";

/**
 * An event in CopeCart's fields. What our data does not tell is left without a value rather than invented.
 * @returns undefined: CopeCart has no words for it, such as a dispute that was won, a payment without an amount or a
 *          trial without an end
 * @throws when an amount is in no currency of ISO 4217
 * Source: CopeCart "IPN" 1.6.7; values as in captured messages
 */
export function messageOf(event: Outgoing): CopecartMessage | undefined {
  const payment = paymentOf(event);
  if (!payment) return undefined;
  const { type, data, test } = payment;
  if (type === "order.cancelled") {
    return {
      ...commonFields(data, test),
      is_cancelled_for: lastBerlinDay(data.ends_at) ?? null,
      next_payment_at: berlinDay(data.next_payment_at) ?? null,
      // The recurring events tell of a test by these words alone.
      payment_status: test ? "test_paid" : "paid",
      subscription_state: "in_progress",
      event_type: "payment.recurring.cancelled",
    };
  }
  const occasion = occasions.get(type);
  if (!occasion) return undefined;
  const told: Told = { ...payment, occasion, event };
  const amount = amountOf(told);
  const next = berlinDay(occasion.trial ? (data.ends_at ?? data.next_payment_at) : data.next_payment_at) ?? null;
  if (occasion.moves ? amount === null : occasion.trial && next === null) return undefined;
  return {
    ...commonFields(data, test),
    ...planAmounts(data, occasion, amount),
    next_payment_at: next,
    is_cancelled_for: null,
    payment_status: test ? occasion.testStatus : occasion.status,
    ...transactionFields(told, amount),
    event_type: occasion.event,
  };
}

function commonFields(data: PaymentData, test: boolean) {
  return { ...buyerFields(data), ...orderFields(data, test), ...productFields(data) };
}

function buyerFields({ buyer, reference }: PaymentData) {
  return {
    // Both are empty texts, not null, for a private buyer.
    buyer_company_name: buyer.company ?? "",
    buyer_vat_number: "",
    buyer_country: buyer.country ? germanCountryName(buyer.country) : null,
    buyer_country_code: buyer.country?.toUpperCase() ?? null,
    buyer_email: buyer.email,
    buyer_firstname: buyer.first_name ?? null,
    buyer_id: buyer.id ?? null,
    buyer_lastname: buyer.last_name ?? null,
    buyer_subscribed_for_newsletter: false,
    metadata: reference ?? null,
  };
}

function orderFields({ order_id, ordered_at, plan, payment_method }: PaymentData, test: boolean) {
  const orderedAt = parseInstant(ordered_at, "Europe/Berlin");
  return {
    order_id,
    order_date: berlinDay(ordered_at) ?? null,
    order_time: orderedAt === undefined ? null : inBerlin(orderedAt).toPlainTime().toString({ smallestUnit: "minute" }),
    payment_method: test ? "test" : (payment_method ?? null),
    payment_plan: plans[plan.kind],
    frequency: plan.kind !== "once" && plan.interval ? frequencyOf(plan.interval) : null,
    total_number_of_payments: plan.kind === "instalments" ? (plan.total ?? null) : null,
    earned_amount: test ? "0" : null,
    shipping_price: "0.0",
  };
}

const plans = { once: "one_time_payment", subscription: "abonnement", instalments: "breakdown_payment" } as const;

function productFields({ product, quantity }: PaymentData) {
  return {
    is_addon: false,
    is_upsell: false,
    product_id: product.id,
    product_name: product.name ?? null,
    product_type: "digital",
    quantity: quantity ?? 1,
    tags: [],
  };
}

/** A payment tells its own price; what the others of the plan cost is known to whoever was told of them. */
function planAmounts({ plan, rate }: PaymentData, occasion: Occasion, amount: string | null) {
  const price = occasion.transaction === "sale" && !occasion.trial ? amount : null;
  const first = plan.kind === "once" || rate === 1;
  return {
    first_payment: first ? price : null,
    next_payments: !first && rate ? price : null,
  };
}
