import type { Instant } from "@paybell/protocols/domain/day";
import type { Buyer, Mode, Reading } from "@paybell/protocols/domain/fact";

/** A notification that is kept, with what it says: what the record hands to the ledger. */
export type StoredNotification = {
  readonly accountId: string;
  readonly id: string;
  readonly receivedAt: Instant;
  readonly protocol: string;
  readonly providerAccount: string;
  readonly mode: Mode;
  /** the provider's; absent: it is known by other names only */
  readonly orderId?: string;
  readonly reading: Reading;
};

/** One of which it is known what order it speaks of. */
export type Named = StoredNotification & { readonly orderId: string };

/** One that says whose order it is, too. */
export type Opening = Named & { readonly reading: Reading & { readonly buyer: Buyer } };

export function opens(notification: Named): notification is Opening {
  return notification.reading.buyer !== undefined && notification.reading.facts.length > 0;
}
