import type { Mode } from "@paybell/protocols/domain/fact";
import type { AccessData } from "@paybell/protocols/protocol";
import type { Pool, PoolClient } from "pg";
import type { Context } from "../context.ts";
import { transpose } from "../db/rows.ts";
import { idTime } from "../domain/id.ts";
import { protocolNamed } from "../domain/protocols.ts";
import type { Held } from "../ledger/held-rows.ts";

/** Does the provider show our answer to the buyer? */
export function isShown(item: Held): boolean {
  return protocolNamed(item.protocol).showsAccess === true;
}

/**
 * Only the order that made the customer may show what opens the account: whoever buys again under somebody's address
 * must not get into what was there before.
 * Source: docs/rules.md, R21
 */
export function madeCustomer(item: Held, ofCustomer: readonly Held[]): boolean {
  const isFirst = ofCustomer.every((other) => other.order.row >= item.order.row);
  return isFirst && idTime(item.customer.id) === idTime(item.order.row);
}

/** Keeps what was shown first: the answer to a repeat is the same. */
export async function writeShown(
  { seal }: Pick<Context, "seal">,
  tx: Pick<PoolClient, "query">,
  shown: readonly { readonly item: Held; readonly at: number; readonly data: AccessData }[],
): Promise<void> {
  const some = shown.filter(({ data }) => data.loginUrl ?? data.licenceKey ?? data.downloadUrl);
  if (some.length === 0) return;
  await tx.query({
    name: "write_shown",
    text: `
      insert into shown (account_id, item_id, sealed, created_at)
      select * from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::timestamptz[])
      on conflict do nothing`,
    values: transpose(
      some.map(({ item, at, data }) => [
        item.accountId,
        item.id,
        seal.seal(JSON.stringify(data), shownFor(item.id)),
        new Date(at),
      ]),
    ),
  });
}

/** What is to be shown of these products of an order; empty: nothing, or not yet. */
export async function readShown(
  { pool, seal }: { readonly pool: Pool; readonly seal: Context["seal"] },
  order: {
    readonly accountId: string;
    readonly protocol: string;
    readonly providerAccount: string;
    readonly mode: Mode;
    readonly orderId: string;
  },
  productIds: readonly string[],
): Promise<AccessData[]> {
  const { rows } = await pool.query<{ item_id: string; sealed: Buffer }>({
    name: "read_shown",
    text: `
      select s.item_id, s.sealed
      from orders o
      join item i on i.account_id = o.account_id and i.order_row = o.id and i.product_key = any($6)
      join shown s on s.account_id = i.account_id and s.item_id = i.id
      where o.account_id = $1 and o.protocol = $2 and o.provider_account = $3 and o.mode = $4 and o.order_id = $5
      order by i.id`,
    values: [order.accountId, order.protocol, order.providerAccount, order.mode, order.orderId, productIds],
  });
  return rows.map((row) => JSON.parse(seal.open(row.sealed, shownFor(row.item_id))) as AccessData); // written above
}

/** Their links are of no use any more. */
export async function forgetShown(
  tx: Pick<PoolClient, "query">,
  accountId: string,
  itemIds: readonly string[],
): Promise<void> {
  await tx.query("delete from shown where account_id = $1 and item_id = any($2)", [accountId, itemIds]);
}

function shownFor(itemId: string): string {
  return `shown:${itemId}`;
}
