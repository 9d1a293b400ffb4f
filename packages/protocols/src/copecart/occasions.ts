import type { PaymentEvent } from "../domain/payment.ts";
import type { RegularEvent } from "./fields.ts";

/** What one of our events is called by CopeCart. */
export type Occasion = {
  readonly event: RegularEvent;
  readonly status: string;
  /** only three statuses have a spelling for tests */
  readonly testStatus: string;
  readonly transaction: "sale" | "refund" | "chargeback";
  /** says nothing without an amount */
  readonly moves?: true;
  readonly trial?: true;
  /** not processed yet */
  readonly open?: true;
};

/**
 * The events with a transaction; a cancellation is told without one.
 * Source: CopeCart "IPN" 1.6.7, event_type, payment_status, transaction_type
 */
export const occasions: ReadonlyMap<PaymentEvent, Occasion> = new Map<PaymentEvent, Occasion>([
  [
    "payment.made",
    { event: "payment.made", status: "paid", testStatus: "test_paid", transaction: "sale", moves: true },
  ],
  [
    "payment.pending",
    { event: "payment.pending", status: "pending", testStatus: "pending", transaction: "sale", open: true },
  ],
  ["payment.failed", { event: "payment.failed", status: "failed", testStatus: "failed", transaction: "sale" }],
  [
    "payment.refunded",
    {
      event: "payment.refunded",
      status: "successed_refunded",
      testStatus: "test_successed_refunded",
      transaction: "refund",
      moves: true,
    },
  ],
  [
    "payment.disputed",
    {
      event: "payment.charged_back",
      status: "chargeback_succeeded",
      testStatus: "chargeback_succeeded",
      transaction: "chargeback",
    },
  ],
  [
    "order.trial_started",
    { event: "payment.trial", status: "trial", testStatus: "test_trial", transaction: "sale", trial: true },
  ],
]);
