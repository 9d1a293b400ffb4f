import type { Day, Instant, Interval, When } from "./day.ts";
import type { Money } from "./money.ts";

export type Mode = "live" | "test";

/** How an item is paid. What was agreed is fixed at purchase: the earliest rate's word counts. */
export type Plan =
  | { readonly kind: "once" }
  | { readonly kind: "subscription"; readonly interval?: Interval }
  | {
      readonly kind: "instalments";
      readonly interval?: Interval;
      /** number of rates, the first included */
      readonly total?: number;
      /** sum of all rates */
      readonly agreed?: Money;
    };

/** What happened, in our words. Amounts are positive; the kind gives the direction. */
export type FactBody =
  | {
      readonly kind: "payment";
      readonly transactionId: string;
      readonly amount: Money;
      /** number of this payment within the plan, from 1 */
      readonly rate?: number;
      /** the provider's word on when the next payment is due */
      readonly next?: When;
    }
  | {
      readonly kind: "payment_pending";
      readonly transactionId: string;
      readonly amount?: Money;
      readonly rate?: number;
    }
  | { readonly kind: "payment_failed"; readonly transactionId: string; readonly rate?: number }
  | {
      readonly kind: "refund";
      readonly transactionId: string;
      readonly amount: Money;
      /** transaction of the payment given back, where the provider names it */
      readonly refunds?: string;
      readonly rate?: number;
    }
  | {
      readonly kind: "refund_reversed";
      readonly transactionId: string /** the refund taken back */;
      readonly reverses: string;
    }
  | DisputeFact
  | { readonly kind: "trial"; readonly to: When }
  | {
      readonly kind: "cancelled" /** day or instant the plan stops */;
      readonly for?: When;
      readonly chosenByVendor: boolean;
    }
  | { readonly kind: "resumed" }
  | { readonly kind: "contact_changed"; readonly email: string };

export type DisputeFact = {
  readonly kind: "dispute_opened" | "dispute_won" | "dispute_lost";
  readonly transactionId: string;
  readonly amount?: Money;
  readonly rate?: number;
};

/** One fact of one item (order + product). */
export type Fact = FactBody & {
  /** unique within (protocol, provider account, mode): transaction, order, product and kind */
  readonly identity: string;
  /** the provider's product; `wholeOrder` where the message does not tell */
  readonly productId: string;
  readonly productName?: string;
  /** by the provider's own clock; absent where the message carries none, then it happened when it arrived */
  readonly happenedAt?: Instant;
  readonly plan?: Plan;
  readonly quantity?: number;
};

export type Buyer = {
  readonly email: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly company?: string;
  /** ISO 3166-1 alpha-2, upper case */
  readonly country?: string;
  /** BCP 47, where the provider sends one */
  readonly language?: string;
  /** the vendor's own text passed through the checkout; anybody can edit it */
  readonly reference?: string;
};

/** The product of what is said of an order as a whole: its money is that of all its products, in proportion. */
export const wholeOrder = "";

/** What one notification says. */
export type Reading = {
  /** the provider's own name for it */
  readonly event: string;
  /** absent where the message does not tell (the provider's recurring notices, for one) */
  readonly mode?: Mode;
  /** absent: the message knows the order by one of `aliases` only */
  readonly orderId?: string;
  /**
   * The provider's other ids by which messages speak of the same order (payment, subscription, invoice), unique at the
   * provider. Whatever names two of them ties them together.
   */
  readonly aliases?: readonly string[];
  readonly orderedOn?: Day;
  /** absent: the message does not say whose order it is */
  readonly buyer?: Buyer;
  /** empty: nothing to act on, such as a reminder or an unknown event */
  readonly facts: readonly Fact[];
};
