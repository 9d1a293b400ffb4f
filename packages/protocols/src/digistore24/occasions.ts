import type { PaymentEvent } from "../domain/payment.ts";

/** What one of our events is called by Digistore24. */
export type Occasion = {
  readonly event: string;
  /** its name in the back office */
  readonly label: string;
  readonly transaction: string;
  /** tells the price of the plan */
  readonly sale?: true;
  /** says nothing without an amount */
  readonly moves?: true;
  readonly trial?: true;
  readonly missed?: true;
  readonly stops?: true;
  readonly resumes?: true;
};

/**
 * The events it has words for.
 * Source: Digistore24 "IPN", events; a trial is a payment of nothing
 */
export const occasions: ReadonlyMap<PaymentEvent, Occasion> = new Map<PaymentEvent, Occasion>([
  ["payment.made", { event: "on_payment", label: "payment", transaction: "payment", sale: true, moves: true }],
  ["order.trial_started", { event: "on_payment", label: "payment", transaction: "payment", trial: true }],
  [
    "payment.failed",
    { event: "on_payment_missed", label: "missed recurring payment", transaction: "payment_missed", missed: true },
  ],
  ["payment.refunded", { event: "on_refund", label: "refund", transaction: "refund", moves: true }],
  ["payment.disputed", { event: "on_chargeback", label: "chargeback", transaction: "chargeback" }],
  [
    "order.cancelled",
    { event: "on_rebill_cancelled", label: "rebilling canceled", transaction: "rebill_cancelled", stops: true },
  ],
  [
    "order.resumed",
    { event: "on_rebill_resumed", label: "rebilling resumed", transaction: "rebill_resumed", resumes: true },
  ],
]);
