/**
 * What an event about money or an order says, in our normalised form. It is JSON, printed once when the event is made;
 * every format that leaves the house is rendered from it.
 * Amounts are positive integers in minor units; instants are ISO 8601 in UTC, days `YYYY-MM-DD`.
 */
export type PaymentData = {
  /** the seller's order, as the provider or platform names it */
  readonly order_id: string;
  readonly ordered_at?: string | null;
  /** absent for what moved no money, such as a cancellation */
  readonly transaction_id?: string | null;
  /** of a refund or dispute: the payment it concerns */
  readonly parent_transaction_id?: string | null;
  readonly product: {
    /** the provider's or platform's own name for it */
    readonly id: string;
    readonly name?: string | null;
    /** ours, where it is mapped */
    readonly product_id?: string | null;
  };
  readonly quantity?: number | null;
  readonly buyer: {
    readonly email: string;
    readonly id?: string | null;
    readonly first_name?: string | null;
    readonly last_name?: string | null;
    readonly company?: string | null;
    /** ISO 3166-1 alpha-2 */
    readonly country?: string | null;
    /** BCP 47 */
    readonly language?: string | null;
  };
  /** the vendor's own text passed through the checkout */
  readonly reference?: string | null;
  /** of this transaction, tax included */
  readonly amount?: { readonly minor: number; readonly currency: string } | null;
  /** the part of it that is tax, in the same currency */
  readonly tax_minor?: number | null;
  readonly plan: {
    readonly kind: "once" | "subscription" | "instalments";
    readonly interval?: { readonly unit: "day" | "week" | "month" | "year"; readonly count: number } | null;
    /** number of rates, the first included */
    readonly total?: number | null;
  };
  /** number of this payment within the plan, from 1 */
  readonly rate?: number | null;
  /** a day or an instant */
  readonly next_payment_at?: string | null;
  /** of a trial, a cancellation: the day or instant it ends, or the plan stops */
  readonly ends_at?: string | null;
  readonly payment_method?: string | null;
  /** when it happened, by the clock of who reported it */
  readonly happened_at: string;
  /** `copecart`, … ; absent for what was published here */
  readonly provider?: string | null;
  /** the provider's own name for the event */
  readonly provider_event?: string | null;
  readonly test: boolean;
};

/** Event types whose data is {@link PaymentData}. */
export const paymentEvents = [
  "payment.made",
  "payment.pending",
  "payment.failed",
  "payment.refunded",
  "payment.refund_reversed",
  "payment.disputed",
  "payment.dispute_won",
  "payment.dispute_lost",
  "order.trial_started",
  "order.cancelled",
  "order.resumed",
] as const;

export type PaymentEvent = (typeof paymentEvents)[number];
