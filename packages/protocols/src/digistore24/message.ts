import { berlinDay, inBerlin, lastBerlinDay } from "../berlin.ts";
import { type Instant, parseInstant } from "../domain/day.ts";
import type { PaymentData } from "../domain/payment.ts";
import type { Outgoing } from "../format.ts";
import { paymentOf } from "../payment-of.ts";
import { testEvent } from "../test-event.ts";
import { amountFields } from "./amounts.ts";
import type { Digistore24Message } from "./fields.ts";
import { type Occasion, occasions } from "./occasions.ts";

/**
 * An event in the fields of one Digistore24 call. What our data does not tell is left out rather than invented.
 * @returns undefined: Digistore24 has no words for it, such as a dispute that was won, or a payment without an amount
 * @throws when an amount is in no currency of ISO 4217
 * Source: Digistore24 "IPN", events and parameters
 */
export function messageOf(event: Outgoing): Digistore24Message | undefined {
  const common = { ipn_version: "1.6", api_mode: event.test ? "test" : "live" };
  if (event.type === testEvent) return { ...common, event: "connection_test", event_label: "connection test" };
  const payment = paymentOf(event);
  const occasion = payment && occasions.get(payment.type);
  if (!occasion) return undefined;
  const { data, test } = payment;
  if (occasion.moves && !data.amount) return undefined;
  const at = parseInstant(data.happened_at, "Europe/Berlin") ?? event.at;
  return {
    ...common,
    api_mode: test ? "test" : "live",
    event: occasion.event,
    event_label: occasion.label,
    transaction_type: occasion.transaction,
    ...orderFields(data),
    ...buyerFields(data),
    ...planFields(data, occasion),
    ...stateFields(data, occasion, at),
    ...amountFields(data, occasion),
    // Without a transaction the event's own id stands in where a receiver tells repeats by it.
    transaction_id: data.transaction_id ?? (occasion.stops || occasion.resumes ? undefined : event.id),
    parent_transaction_id: data.parent_transaction_id ?? "",
    transaction_date: day(at),
    transaction_time: inBerlin(at).toPlainTime().toString({ smallestUnit: "second" }),
    transaction_processed_at: dayTime(at),
    pay_method: test ? "test" : (data.payment_method ?? undefined),
  };
}

function orderFields({ order_id, ordered_at, product, quantity, reference }: PaymentData): Digistore24Message {
  const orderedAt = parseInstant(ordered_at, "Europe/Berlin");
  return {
    order_id,
    // One call tells of one item, and within an order the product names it.
    order_item_id: product.id,
    item_count: "1",
    upsell_no: "0",
    order_date: berlinDay(ordered_at),
    order_date_time: orderedAt === undefined ? undefined : dayTime(orderedAt),
    product_id: product.id,
    product_name: product.name ?? "",
    quantity: String(quantity ?? 1),
    custom: reference ?? "",
  };
}

/** Receivers look for the buyer under several names. */
function buyerFields({ buyer }: PaymentData): Digistore24Message {
  const first = buyer.first_name ?? "";
  const last = buyer.last_name ?? "";
  return {
    buyer_id: buyer.id ?? undefined,
    email: buyer.email,
    buyer_email: buyer.email,
    address_email: buyer.email,
    buyer_first_name: first,
    buyer_last_name: last,
    address_first_name: first,
    address_last_name: last,
    address_company: buyer.company ?? "",
    address_country: buyer.country?.toUpperCase() ?? "",
    buyer_language: buyer.language?.split("-")[0]?.toLowerCase(),
  };
}

function planFields(
  { plan, rate, next_payment_at, ends_at }: PaymentData,
  { trial, stops }: Occasion,
): Digistore24Message {
  if (plan.kind === "once")
    return { billing_type: "single_payment", pay_sequence_no: "0", number_of_installments: "1" };
  const rates = plan.kind === "instalments" ? String(plan.total ?? 0) : "0";
  const interval = plan.interval ? intervalOf(plan.interval) : undefined;
  return {
    billing_type: plan.kind === "instalments" ? "installment" : "subscription",
    pay_sequence_no: rate ? String(rate) : trial ? "1" : undefined,
    number_of_installments: rates,
    order_item_number_of_installments: rates,
    first_billing_interval: interval,
    other_billing_intervals: interval,
    next_payment_at: stops ? undefined : berlinDay(trial ? (ends_at ?? next_payment_at) : next_payment_at),
  };
}

/** Weeks are counted in days. */
function intervalOf({ unit, count }: NonNullable<PaymentData["plan"]["interval"]>): string {
  return unit === "week" ? `${count * 7}_day` : `${count}_${unit}`;
}

/** How the plan stands, where the event tells. A refund or a chargeback alone does not. */
function stateFields({ plan, rate, ends_at }: PaymentData, occasion: Occasion, at: Instant): Digistore24Message {
  if (occasion.stops)
    return {
      ...status("aborted"),
      billing_stop_reason: "unknown",
      rebill_stop_noted_at: dayTime(at),
      is_cancelled_for: lastBerlinDay(ends_at),
    };
  if (occasion.missed) return { ...status("unpaid"), billing_stop_reason: "" };
  if (occasion.resumes || occasion.trial) return { ...status("paying"), billing_stop_reason: "" };
  if (!occasion.sale) return {};
  const last = plan.kind === "instalments" && plan.total && rate ? rate >= plan.total : false;
  return { ...status(plan.kind === "once" || last ? "completed" : "paying"), billing_stop_reason: "" };
}

function status(word: string): Digistore24Message {
  return { billing_status: word, order_billing_status: word };
}

function day(at: Instant): string {
  return inBerlin(at).toPlainDate().toString();
}

/** German local time without a zone. */
function dayTime(at: Instant): string {
  return inBerlin(at).toPlainDateTime().toString({ smallestUnit: "second" }).replace("T", " ");
}
