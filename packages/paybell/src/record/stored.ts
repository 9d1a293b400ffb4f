import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode, Reading } from "@paybell/protocols/domain/fact";

/** A notification that is kept, with what it says: what the record hands to the ledger. */
export type StoredNotification = {
  readonly accountId: string;
  readonly id: string;
  readonly receivedAt: Instant;
  readonly protocol: string;
  readonly providerAccount: string;
  readonly mode: Mode;
  readonly orderId: string;
  readonly reading: Reading;
};
