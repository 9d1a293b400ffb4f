import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Pool } from "pg";
import { transpose } from "../db/rows.ts";
import type { Tx } from "../db/transaction.ts";
import type { ProductConfig } from "../domain/product.ts";
import { closeAlarms } from "../fulfil/alarms.ts";
import { lockCustomers } from "../ledger/held-rows.ts";

export type Source = { readonly protocol: string; readonly product_id: string };

export type ProductRow = {
  id: string;
  name: string;
  config: ProductConfig;
  created_at: Instant;
  updated_at: Instant;
  archived_at: Instant | null;
  sources: Source[] | null;
  keys_left: bigint;
  keys_given: bigint;
};

/** @param of.mode whose key pool is counted */
export async function productRows(
  db: Pool | Tx,
  of: {
    readonly accountId: string;
    readonly mode: Mode;
    readonly id?: string;
    readonly archived?: boolean;
    readonly cursor?: string | undefined;
    readonly limit: number;
  },
): Promise<ProductRow[]> {
  const { rows } = await db.query<ProductRow>(
    `
    select p.id, p.name, p.config, p.created_at, p.updated_at, p.archived_at,
           (select jsonb_agg(jsonb_build_object('protocol', s.protocol, 'product_id', s.product_key) order by s.protocol, s.product_key)
              from product_source s where s.account_id = p.account_id and s.product_id = p.id) as sources,
           k.keys_left, k.keys_given
    from product p
    cross join lateral (
      select count(*) filter (where l.item_id is null) as keys_left, count(*) filter (where l.item_id is not null) as keys_given
      from licence l where l.account_id = p.account_id and l.product_id = p.id and l.mode = $2) k
    where p.account_id = $1 and ($3::uuid is null or p.id = $3) and ($4::uuid is null or p.id < $4)
      and ($5::boolean or p.archived_at is null)
    order by p.id desc limit $6 + 1`,
    [of.accountId, of.mode, of.id ?? null, of.cursor ?? null, of.archived ?? false, of.limit],
  );
  return rows;
}

/**
 * Makes these the product's sources. Items that came before a source was mapped are the product's now; items it
 * already has stay, whatever is removed.
 * @returns the sources that belong to another product: then nothing may be committed
 */
export async function mapSources(
  tx: Tx,
  accountId: string,
  productId: string,
  sources: readonly Source[],
  now: Instant,
): Promise<Source[]> {
  const columns = columnsOf(sources);
  await tx.query(
    `delete from product_source where account_id = $1 and product_id = $2
       and (protocol, product_key) not in (select * from unnest($3::text[], $4::text[]))`,
    [accountId, productId, ...columns],
  );
  if (sources.length === 0) return [];
  await tx.query(
    `insert into product_source (account_id, protocol, product_key, product_id, mapped_at)
     select $1, protocol, product_key, $2, $5
     from (select distinct * from unnest($3::text[], $4::text[]) as t (protocol, product_key)) t order by protocol, product_key
     on conflict (account_id, protocol, product_key) do nothing`,
    [accountId, productId, ...columns, new Date(now)],
  );
  const { rows: taken } = await tx.query<Source>(
    `select s.protocol, s.product_key as product_id
     from unnest($3::text[], $4::text[]) as t (protocol, product_key)
     join product_source s on s.account_id = $1 and s.protocol = t.protocol and s.product_key = t.product_key
     where s.product_id <> $2`,
    [accountId, productId, ...columns],
  );
  if (taken.length > 0) return taken;
  await adoptItems(tx, accountId, productId, sources, now);
  for (const { protocol, product_id } of sources)
    await closeAlarms(tx, accountId, ["product_unmapped"], `${protocol}:${product_id}`, now);
  return [];
}

/** Unmapped items of these sources become the product's, with the effect they would have had on the day. @returns how many */
export async function adoptItems(
  tx: Tx,
  accountId: string,
  productId: string,
  sources: readonly Source[],
  now: Instant,
): Promise<number> {
  const { rows } = await tx.query<{ customer_id: string }>(
    `select distinct i.customer_id from unnest($2::text[], $3::text[]) as t (protocol, product_key)
     join item i on i.account_id = $1 and i.protocol = t.protocol and i.product_key = t.product_key and i.product_id is null`,
    [accountId, ...columnsOf(sources)],
  );
  if (rows.length === 0) return 0;
  // Whoever is booking for them right now finishes first, and would otherwise write over what is set here.
  await lockCustomers(
    tx,
    rows.map((row) => ({ accountId, customerId: row.customer_id })),
  );
  const { rowCount } = await tx.query(
    `update item i set product_id = $4, quiet_before = $5, due_at = $5, walked_to = null
     from unnest($2::text[], $3::text[]) as t (protocol, product_key)
     where i.account_id = $1 and i.protocol = t.protocol and i.product_key = t.product_key and i.product_id is null`,
    [accountId, ...columnsOf(sources), productId, new Date(now)],
  );
  return rowCount ?? 0;
}

/** The product's items are computed again as soon as possible. */
export async function makeItemsDue(
  tx: Tx,
  accountId: string,
  productId: string,
  now: Instant,
  which: { readonly withoutLicenceIn?: Mode } = {},
): Promise<void> {
  const mode = which.withoutLicenceIn ?? null;
  const wanted = `
    from item i
    where i.account_id = $1 and i.product_id = $2
      and ($3::text is null or (i.mode = $3 and not exists (
        select 1 from licence l where l.account_id = i.account_id and l.item_id = i.id)))`;
  const { rows } = await tx.query<{ customer_id: string }>(`select distinct i.customer_id ${wanted}`, [
    accountId,
    productId,
    mode,
  ]);
  if (rows.length === 0) return;
  await lockCustomers(
    tx,
    rows.map((row) => ({ accountId, customerId: row.customer_id })),
  );
  await tx.query(`update item set due_at = $4 where account_id = $1 and id in (select i.id ${wanted})`, [
    accountId,
    productId,
    mode,
    new Date(now),
  ]);
}

function columnsOf(sources: readonly Source[]): [unknown[], unknown[]] {
  const [protocols = [], keys = []] = transpose(sources.map(({ protocol, product_id }) => [protocol, product_id]));
  return [protocols, keys];
}
