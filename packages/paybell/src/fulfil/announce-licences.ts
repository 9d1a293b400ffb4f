import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { PaymentData } from "@paybell/protocols/domain/payment";
import type { Announcement } from "../send/events.ts";

/** Whose licence, for what. The key itself is not announced: it is kept sealed, and asked for by the licence's id. */
export type AnnouncedLicence = {
  readonly accountId: string;
  readonly mode: Mode;
  readonly licenceId: string;
  readonly customerId: string;
  readonly itemId: string;
  /** the provider's */
  readonly orderId: string;
  /** null: the customer was erased */
  readonly email: string | null;
  readonly product: PaymentData["product"];
};

export type LicenceEvent =
  | "licence.issued"
  | "licence.suspended"
  | "licence.revoked"
  | "licence.restored"
  | "licence.activated"
  | "licence.deactivated";

export function licenceAnnouncement(
  licence: AnnouncedLicence,
  type: LicenceEvent,
  at: Instant,
  more: Announcement["data"] = {},
): Announcement {
  const { accountId, mode, orderId } = licence;
  const data = {
    licence_id: licence.licenceId,
    customer_id: licence.customerId,
    email: licence.email,
    order_id: orderId,
    item_id: licence.itemId,
    product: licence.product,
    ...more,
  };
  return { accountId, mode, type, at, orderKey: orderId, data };
}
