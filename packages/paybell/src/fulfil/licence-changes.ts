import { productData } from "../ledger/announce-facts.ts";
import type { Computed } from "../ledger/compute.ts";
import type { Announcement } from "../send/events.ts";
import { licenceState, type LicenceState } from "./activations.ts";
import { licenceAnnouncement, type LicenceEvent } from "./announce-licences.ts";

/**
 * Announces licences just given, and those whose standing is another than when the item was last written.
 * @param issued licence ids by item
 */
export function licenceChanges(computed: readonly Computed[], issued: ReadonlyMap<string, string>): Announcement[] {
  return computed.flatMap((item) => {
    const { held, now } = item;
    const fresh = issued.get(held.id);
    const licenceId = fresh ?? held.licenceId;
    const type = fresh ? "licence.issued" : changeOf(item);
    if (!licenceId || !type) return [];
    const licence = {
      accountId: held.accountId,
      mode: held.mode,
      licenceId,
      customerId: held.customer.id,
      itemId: held.id,
      orderId: held.order.id,
      email: held.customer.erased ? null : held.order.contactEmail,
      product: productData(held),
    };
    return [licenceAnnouncement(licence, type, now)];
  });
}

function changeOf({ held, state, now }: Computed): LicenceEvent | undefined {
  if (!held.licenceId || !held.state || held.walkedTo === null) return undefined;
  const next = licenceState(state, now);
  return next === licenceState(held.state, held.walkedTo) ? undefined : types[next];
}

const types: Record<LicenceState, LicenceEvent> = {
  active: "licence.restored",
  suspended: "licence.suspended",
  ended: "licence.revoked",
};
