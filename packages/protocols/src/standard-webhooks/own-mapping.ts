import type { PaymentEvent } from "../domain/payment.ts";
import { type EventMapping, type FieldName, type Mapping, readMapping } from "./mapping.ts";

/**
 * How the events of a system like this one are read: what `payment.made` and its like hold is `PaymentData`. Other
 * events of ours (`access.granted`) say nothing about money and are not in it.
 */
export const ownMapping: Mapping = written({
  event: "type",
  orderId: "data.order_id",
  events: {
    "payment.made": "payment",
    "payment.pending": "payment_pending",
    "payment.failed": "payment_failed",
    "payment.refunded": "refund",
    "payment.refund_reversed": "refund_reversed",
    "payment.disputed": "dispute_opened",
    "payment.dispute_won": "dispute_won",
    "payment.dispute_lost": "dispute_lost",
    "order.trial_started": "trial",
    "order.cancelled": "cancelled",
    "order.resumed": "resumed",
  },
  fields: {
    email: "data.buyer.email",
    firstName: "data.buyer.first_name",
    lastName: "data.buyer.last_name",
    company: "data.buyer.company",
    country: "data.buyer.country",
    language: "data.buyer.language",
    reference: "data.reference",
    product: "data.product.id",
    productName: "data.product.name",
    quantity: "data.quantity",
    amount: "data.amount.minor",
    amountIn: "minor",
    currency: "data.amount.currency",
    transactionId: "data.transaction_id",
    refunds: "data.parent_transaction_id",
    rate: "data.rate",
    plan: "data.plan.kind",
    interval: "data.plan.interval.unit",
    intervalCount: "data.plan.interval.count",
    rates: "data.plan.total",
    next: "data.next_payment_at",
    until: "data.ends_at",
    happenedAt: "data.happened_at",
    orderedOn: "data.ordered_at",
    test: "data.test",
  },
});

type Written = {
  readonly event: string;
  readonly orderId: string;
  readonly events: Readonly<Record<PaymentEvent, EventMapping["kind"]>>;
  readonly fields: Readonly<Record<Exclude<FieldName, "name"> | "amountIn", string>>;
};

function written(mapping: Written): Mapping {
  const read = readMapping(JSON.stringify(mapping));
  if ("fault" in read) throw new Error(`mapping_malformed: ${read.fault}`);
  return read;
}
