import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { ProductConfig } from "../domain/product.ts";
import type { House } from "../house.ts";
import { licenceHash } from "../fulfil/licence-rows.ts";
import type { ItemState } from "../ledger/fold.ts";

export type LicenceRow = {
  id: string;
  mode: Mode;
  product_id: string;
  config: ProductConfig;
  sealed: Buffer;
  created_at: Instant;
  given_at: Instant | null;
  /** null: free, in the pool */
  item_id: string | null;
  state: ItemState | null;
  order_id: string | null;
  contact_email: string | null;
  activations: { id: string; machine: string; name: string | null; activated_at: string }[] | null;
};

export type LicenceFilter = {
  readonly accountId: string;
  readonly modes: readonly Mode[];
  readonly id?: string;
  /** normalised; finds by the order's contact address and by the customer's addresses */
  readonly email?: string | undefined;
  /** the provider's */
  readonly order_id?: string | undefined;
  readonly product_id?: string | undefined;
  readonly key?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
};

/** Newest first; one more than `limit` where there are more. */
export async function licenceRows(house: Pick<House, "pool" | "seal">, of: LicenceFilter): Promise<LicenceRow[]> {
  const { rows } = await house.pool.query<LicenceRow>(
    `
    select l.id, l.mode, l.product_id, p.config, l.sealed, l.created_at, l.given_at, l.item_id, nullif(i.state, '{}') as state, o.order_id, o.contact_email,
      (select jsonb_agg(jsonb_build_object('id', a.id, 'machine', a.machine, 'name', a.name, 'activated_at', a.activated_at) order by a.id)
       from activation a where a.account_id = l.account_id and a.licence_id = l.id and a.deactivated_at is null) as activations
    from licence l
    join product p on p.account_id = l.account_id and p.id = l.product_id
    left join item i on i.account_id = l.account_id and i.id = l.item_id
    left join orders o on o.account_id = i.account_id and o.id = i.order_row
    where l.account_id = $1 and l.mode = any($2)
      and ($3::uuid is null or l.id = $3)
      and ($4::text is null or lower(btrim(o.contact_email)) = $4 or i.customer_id in (
        select e.customer_id from customer_email e where e.account_id = $1 and e.mode = any($2) and e.email = $4))
      and ($5::text is null or o.order_id = $5)
      and ($6::uuid is null or l.product_id = $6)
      and ($7::bytea is null or l.hash = $7)
      and ($8::uuid is null or l.id < $8)
    order by l.id desc limit $9 + 1`,
    [
      of.accountId,
      of.modes,
      of.id ?? null,
      of.email ?? null,
      of.order_id ?? null,
      of.product_id ?? null,
      of.key === undefined ? null : licenceHash(house, of.key),
      of.cursor ?? null,
      of.limit,
    ],
  );
  return rows;
}
