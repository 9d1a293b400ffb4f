import type { Day, Instant } from "@paybell/protocols/domain/day";
import type { Money } from "@paybell/protocols/domain/money";
import type { MailKind, ProductConfig } from "./product.ts";

export type Language = "de" | "en";

/** Everything a mail to a buyer can say. */
export type MailContent = {
  readonly kind: MailKind;
  readonly language: Language;
  readonly shop: { readonly name: string };
  readonly product: { readonly name: string; readonly mails: ProductConfig["mails"] };
  readonly buyer: { readonly firstName?: string };
  readonly orderId: string;
  /** zone in which instants are shown as days */
  readonly timeZone: string;
  /** of the payment or refund this mail is about */
  readonly amount?: Money;
  /** last day with access, or the exact instant; null: no end */
  readonly until?: { readonly day: Day } | { readonly at: Instant } | null;
  /** first day that is not paid yet */
  readonly paidThrough?: Day;
  /** instalments: 2 of 3 */
  readonly rates?: { readonly paid: number; readonly total: number };
  /** access_paused */
  readonly pausedBecause?: "unpaid" | "dispute";
  /** refunded: is the item still open after it */
  readonly accessRemains?: boolean;
  /** null: the pool is empty, the key follows */
  readonly licence?: { readonly key: string | null; readonly activations?: number };
  readonly login?: { readonly url: string; readonly code: string; readonly validUntil: Instant };
  readonly download?: { readonly url: string; readonly validUntil: Instant };
};

export type RenderedMail = { readonly subject: string; readonly html: string; readonly text: string };

/** A mail on its way out, as it is sealed for {@link sealedMailFor}; `from` as in the account's `mail_from`. */
export type SealedMail = RenderedMail & { readonly from: string };

/** The place a mail's content is sealed for. */
export function sealedMailFor(deliveryId: string): string {
  return `delivery:${deliveryId}`;
}
