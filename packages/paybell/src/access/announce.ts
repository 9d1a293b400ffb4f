import type { Instant } from "@paybell/protocols/domain/day";
import type { PoolClient } from "pg";
import { transpose } from "../db/rows.ts";
import { groupBy } from "../domain/group.ts";
import type { Held } from "../ledger/held-rows.ts";
import type { Announcement } from "../send/events.ts";
import { type Entitlement, entitlementsAt, type HeldItem } from "./entitlements.ts";

export type CustomerItem = { readonly held: Held; readonly item: HeldItem | null; readonly now: Instant };

/**
 * Compares what each customer may use now with what was last announced. The difference is to be announced:
 * a feature given by two items is revoked once, with the second.
 * @param before what was announced: {@link announced}
 * @returns the entitlements by customer; `events`: the difference, and `written`: it is on its way to being remembered
 */
export function announceEntitlements(
  tx: PoolClient,
  entries: readonly CustomerItem[],
  before: ReadonlyMap<string, Announced>,
): { entitlements: Map<string, Entitlement[]>; events: Announcement[]; written: Promise<unknown> } {
  const customers = groupBy(entries, ({ held }) => held.customer.id);
  const now = new Map(
    [...customers].map(([id, own]) => [
      id,
      entitlementsAt(
        own.flatMap(({ item }) => item ?? []),
        own[0]!.now,
      ),
    ]),
  );
  const rows: unknown[][] = [];
  const events: Announcement[] = [];
  for (const [customerId, own] of customers) {
    const { held, now: at } = own[0]!;
    for (const entitlement of now.get(customerId)!) {
      const last = before.get(`${customerId} ${entitlement.feature}`);
      const type = change(last, entitlement);
      if (!type) continue;
      rows.push([
        held.accountId,
        held.mode,
        customerId,
        entitlement.feature,
        entitlement.open,
        date(entitlement.until),
        entitlement.limit,
        new Date(at),
      ]);
      events.push({
        accountId: held.accountId,
        mode: held.mode,
        type,
        at,
        orderKey: customerId,
        data: {
          customer_id: customerId,
          email: held.customer.erased ? null : held.order.contactEmail,
          feature: entitlement.feature,
          until: entitlement.until === null ? null : new Date(entitlement.until).toISOString(),
          limit: entitlement.limit,
          orders: [...new Set(entitlement.because.map((reason) => reason.orderId))],
        },
      });
    }
    for (const [key, last] of before) {
      const [id, feature] = [key.slice(0, 36), key.slice(37)];
      if (
        id !== customerId ||
        !last.open ||
        now.get(customerId)!.some((entitlement) => entitlement.feature === feature)
      )
        continue;
      // The product no longer gives this feature at all.
      rows.push([held.accountId, held.mode, customerId, feature, false, null, null, new Date(at)]);
      events.push({
        accountId: held.accountId,
        mode: held.mode,
        type: "access.revoked",
        at,
        orderKey: customerId,
        data: {
          customer_id: customerId,
          email: held.customer.erased ? null : held.order.contactEmail,
          feature,
          until: null,
          limit: null,
          orders: [],
        },
      });
    }
  }
  return { entitlements: now, events, written: writeAnnounced(tx, rows) };
}

export type Announced = { open: boolean; until: Instant | null; limit: number | null };

function change(
  last: Announced | undefined,
  next: Entitlement,
): "access.granted" | "access.changed" | "access.revoked" | undefined {
  if (next.open && !last?.open) return "access.granted";
  if (!next.open && last?.open) return "access.revoked";
  if (next.open && last && (last.until !== next.until || last.limit !== next.limit)) return "access.changed";
  return undefined;
}

/** What was last announced to customers, by customer and feature. */
export async function announced(
  tx: Pick<PoolClient, "query">,
  customers: readonly { readonly accountId: string; readonly customerId: string }[],
): Promise<Map<string, Announced>> {
  const distinct = new Map(customers.map((one) => [one.customerId, one.accountId]));
  const { rows } = await tx.query<{
    customer_id: string;
    feature: string;
    open: boolean;
    until: Instant | null;
    quantity: bigint | null;
  }>({
    name: "announced_entitlements",
    text: `
      select e.customer_id, e.feature, e.open, e.until, e.quantity
      from unnest($1::uuid[], $2::uuid[]) as t (account_id, customer_id)
      join entitlement e on e.account_id = t.account_id and e.customer_id = t.customer_id`,
    values: [[...distinct.values()], [...distinct.keys()]],
  });
  return new Map(
    rows.map((row) => [
      `${row.customer_id} ${row.feature}`,
      { open: row.open, until: row.until, limit: row.quantity === null ? null : Number(row.quantity) },
    ]),
  );
}

async function writeAnnounced(tx: PoolClient, rows: readonly unknown[][]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query({
    name: "write_entitlements",
    text: `
      insert into entitlement (account_id, mode, customer_id, feature, open, until, quantity, changed_at)
      select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::boolean[], $6::timestamptz[], $7::bigint[], $8::timestamptz[])
      on conflict (account_id, customer_id, feature) do update
        set open = excluded.open, until = excluded.until, quantity = excluded.quantity, changed_at = excluded.changed_at`,
    values: transpose(rows),
  });
}

function date(at: Instant | null): Date | null {
  return at === null ? null : new Date(at);
}
