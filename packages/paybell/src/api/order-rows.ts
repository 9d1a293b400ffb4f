import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { House } from "../house.ts";
import type { ItemState } from "../ledger/fold.ts";
import type { ProductConfig } from "../domain/product.ts";

export type OrderRow = {
  id: string;
  order_id: string;
  protocol: string;
  provider_account: string;
  mode: Mode;
  email: string;
  contact_email: string;
  buyer: Record<string, unknown>;
  customer_id: string;
  created_at: Instant;
};

export type OrderItemRow = {
  id: string;
  order_row: string;
  product_key: string;
  product_name: string | null;
  product_id: string | null;
  our_name: string | null;
  config: ProductConfig | null;
  state: ItemState | Record<string, never>;
  balance_minor: bigint;
  currency: string | null;
  waiting: string | null;
  created_at: Instant;
  licence_id: string | null;
  given_at: Instant | null;
};

export type OrderFilter = {
  readonly accountId: string;
  readonly modes: readonly Mode[];
  readonly id?: string;
  readonly order_id?: string | undefined;
  readonly email?: string | undefined;
  readonly customer_id?: string | undefined;
  readonly product_id?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
};

export async function orderRows({ pool }: Pick<House, "pool">, of: OrderFilter): Promise<OrderRow[]> {
  const { rows } = await pool.query<OrderRow>(
    `
    select o.id, o.order_id, o.protocol, o.provider_account, o.mode, o.email, o.contact_email, o.buyer, o.customer_id, o.created_at
    from orders o
    where o.account_id = $1 and o.mode = any($2)
      and ($3::uuid is null or o.id = $3)
      and ($4::text is null or o.order_id = $4)
      and ($5::text is null or o.id in (
        select h.id from customer_email e join orders h on h.account_id = e.account_id and h.customer_id = e.customer_id
        where e.account_id = $1 and e.mode = any($2) and e.email = $5
        union
        -- as typed at the checkout by a customer known under another address, or before it was corrected
        select h.id from orders h where h.account_id = $1 and h.mode = any($2) and lower(h.email) = $5))
      and ($6::uuid is null or o.customer_id = $6)
      and ($7::text is null or exists (
        select 1 from item i where i.account_id = $1 and i.order_row = o.id and (i.product_key = $7 or i.product_id::text = $7)))
      and ($8::uuid is null or o.id < $8)
    order by o.id desc limit $9 + 1`,
    [
      of.accountId,
      of.modes,
      of.id ?? null,
      of.order_id ?? null,
      of.email ?? null,
      of.customer_id ?? null,
      of.product_id ?? null,
      of.cursor ?? null,
      of.limit,
    ],
  );
  return rows;
}

export async function itemRows(
  { pool }: Pick<House, "pool">,
  accountId: string,
  orderIds: readonly string[],
): Promise<OrderItemRow[]> {
  const { rows } = await pool.query<OrderItemRow>(
    `
    select i.id, i.order_row, i.product_key, i.product_name, i.product_id, p.name as our_name, p.config, i.state,
           i.balance_minor, i.currency, i.waiting, i.created_at, l.id as licence_id, l.given_at
    from item i
    left join product p on p.account_id = i.account_id and p.id = i.product_id
    left join licence l on l.account_id = i.account_id and l.item_id = i.id
    where i.account_id = $1 and i.order_row = any($2) and i.product_key <> ''
    order by i.id`,
    [accountId, orderIds],
  );
  return rows;
}

/** How often each notification arrived. */
export async function arrivalsOf(
  { pool }: Pick<House, "pool">,
  accountId: string,
  notificationIds: readonly string[],
): Promise<Map<string, number>> {
  if (notificationIds.length === 0) return new Map();
  const { rows } = await pool.query<{ notification_id: string; arrivals: bigint }>(
    `select notification_id, sum(arrivals) as arrivals from arrival
     where account_id = $1 and notification_id = any($2) group by notification_id`,
    [accountId, notificationIds],
  );
  return new Map(rows.map((row) => [row.notification_id, Number(row.arrivals)]));
}
