import type { Buyer, Fact, Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import { newId } from "../domain/id.ts";
import { transpose } from "../db/rows.ts";
import { type Named, type Opening, opens } from "../record/stored.ts";
import type { NewCustomer } from "./announce-customers.ts";
import { customersFor } from "./customer-rows.ts";

/** One order for each notification, every order row locked, and the customers made on the way. */
export type Orders = { readonly orders: readonly OrderRow[]; readonly made: readonly NewCustomer[] };

export type OrderRow = {
  readonly accountId: string;
  readonly id: string;
  readonly customerId: string;
  readonly mode: Mode;
};

/**
 * Finds the order each notification speaks of, and makes the missing ones with their customers. A buyer is
 * recognised by the vendor's signed reference, then by the address; nothing else is merged.
 * @param reference the vendor's own name for the buyer, where it carries the vendor's signature
 * Source: docs/rules.md, R17
 */
export async function ordersFor(
  tx: PoolClient,
  batch: readonly Named[],
  reference: (notification: Opening) => string | undefined,
): Promise<Orders> {
  if (batch.length === 0) return { orders: [], made: [] };
  const known = await lockOrders(tx, batch);
  const missing = new Map<string, Opening>();
  for (const notification of batch.filter(opens)) {
    const key = orderKey(notification);
    const first = missing.get(key);
    // Of several that arrived together, the one that carries the vendor's signature says whose order it is.
    const better = first === undefined || (reference(first) === undefined && reference(notification) !== undefined);
    if (!known.has(key) && better) missing.set(key, notification);
  }
  const wanted = [...missing.values()].toSorted((a, b) => (orderKey(a) < orderKey(b) ? -1 : 1));
  let made: readonly NewCustomer[] = [];
  if (wanted.length > 0) {
    const { customers, written, ...rest } = await customersFor(tx, wanted, reference);
    const [added] = await Promise.all([addOrders(tx, wanted, customers), written]);
    for (const [key, row] of added) known.set(key, row);
    made = rest.made;
  }
  return { orders: batch.map((notification) => known.get(orderKey(notification))!), made };
}

/** Makes the items that are not there yet, mapped where the product is. @returns all items, by order and product */
export async function itemsFor(
  tx: PoolClient,
  incoming: readonly { readonly notification: Named; readonly fact: Fact; readonly order: OrderRow }[],
): Promise<Map<string, string>> {
  if (incoming.length === 0) return new Map();
  const wanted = new Map(incoming.map((one) => [itemKey(one.order.id, one.fact.productId), one]));
  const sorted = [...wanted].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  const { rows } = await tx.query<{ id: string; order_row: string; product_key: string; unmapped: boolean }>({
    name: "items_for",
    text: `
      with wanted as (
        select *
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])
          as t (account_id, id, order_row, customer_id, mode, protocol, product_key, product_name, created_at)
      ), added as (
        insert into item (account_id, id, order_row, customer_id, mode, protocol, product_key, product_name, product_id, created_at)
        select w.account_id, w.id, w.order_row, w.customer_id, w.mode, w.protocol, w.product_key, w.product_name, s.product_id, w.created_at
        from wanted w
        left join product_source s on s.account_id = w.account_id and s.protocol = w.protocol and s.product_key = w.product_key
        where not exists (
          select 1 from item i where i.account_id = w.account_id and i.order_row = w.order_row and i.product_key = w.product_key)
        on conflict (account_id, order_row, product_key) do nothing
        returning id, order_row, product_key, product_id
      )
      select id, order_row, product_key, product_id is null as unmapped from added
      union all
      select i.id, i.order_row, i.product_key, false
      from wanted w join item i on i.account_id = w.account_id and i.order_row = w.order_row and i.product_key = w.product_key`,
    values: transpose(
      sorted.map(({ order, notification, fact }) => [
        order.accountId,
        newId(notification.receivedAt),
        order.id,
        order.customerId,
        order.mode,
        notification.protocol,
        fact.productId,
        fact.productName ?? null,
        new Date(notification.receivedAt),
      ]),
    ),
  });
  const unmapped = rows.filter((row) => row.unmapped).map((row) => row.id);
  if (unmapped.length > 0) await mapAgain(tx, [...new Set(sorted.map(({ order }) => order.accountId))], unmapped);
  return new Map(rows.map((row) => [itemKey(row.order_row, row.product_key), row.id]));
}

/**
 * A mapping may have been committed after we looked, and cannot see what we have not committed. So we look again
 * under a lock that whoever maps waits for before looking for unmapped items.
 */
async function mapAgain(tx: PoolClient, accountIds: readonly string[], itemIds: readonly string[]): Promise<void> {
  await tx.query({
    name: "share_mappings",
    text: "select pg_advisory_xact_lock_shared(hashtextextended('mapping ' || id, 0)) from unnest($1::text[]) as t (id)",
    values: [accountIds],
  });
  await tx.query({
    name: "map_again",
    text: `
      update item i set product_id = s.product_id
      from product_source s
      where i.account_id = any($1) and i.id = any($2) and i.product_id is null
        and s.account_id = i.account_id and s.protocol = i.protocol and s.product_key = i.product_key`,
    values: [accountIds, itemIds],
  });
}

/** Returns when every booking that has not seen the mappings committed so far is over. In a transaction of its own. */
export async function waitForBookings(tx: PoolClient, accountId: string): Promise<void> {
  await tx.query("select pg_advisory_xact_lock(hashtextextended('mapping ' || $1::text, 0))", [accountId]);
}

export function itemKey(orderRow: string, productKey: string): string {
  return `${orderRow} ${productKey}`;
}

function orderKey(of: {
  accountId: string;
  protocol: string;
  providerAccount: string;
  mode: Mode;
  orderId: string;
}): string {
  return JSON.stringify([of.accountId, of.protocol, of.providerAccount, of.mode, of.orderId]);
}

type FoundOrder = {
  account_id: string;
  id: string;
  customer_id: string;
  mode: Mode;
  protocol: string;
  provider_account: string;
  order_id: string;
};

function byKey(rows: readonly FoundOrder[]): Map<string, OrderRow> {
  return new Map(
    rows.map((row) => [
      orderKey({
        accountId: row.account_id,
        protocol: row.protocol,
        providerAccount: row.provider_account,
        mode: row.mode,
        orderId: row.order_id,
      }),
      { accountId: row.account_id, id: row.id, customerId: row.customer_id, mode: row.mode },
    ]),
  );
}

async function lockOrders(tx: PoolClient, batch: readonly Named[]): Promise<Map<string, OrderRow>> {
  const { rows } = await tx.query<FoundOrder>({
    name: "lock_orders",
    text: `
      select o.account_id, o.id, o.customer_id, o.mode, o.protocol, o.provider_account, o.order_id
      from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) as t (account_id, protocol, provider_account, mode, order_id)
      join orders o using (account_id, protocol, provider_account, mode, order_id)
      order by o.account_id, o.protocol, o.provider_account, o.mode, o.order_id
      for update of o`,
    values: transpose(batch.map((one) => [one.accountId, one.protocol, one.providerAccount, one.mode, one.orderId])),
  });
  return byKey(rows);
}

async function addOrders(
  tx: PoolClient,
  wanted: readonly Opening[],
  customers: readonly string[],
): Promise<Map<string, OrderRow>> {
  const { rows } = await tx.query<FoundOrder>({
    name: "add_orders",
    text: `
      insert into orders (account_id, id, mode, protocol, provider_account, order_id, customer_id, email, contact_email, buyer, created_at)
      select account_id, id, mode, protocol, provider_account, order_id, customer_id, email, email, buyer::jsonb, created_at
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::timestamptz[])
        as t (account_id, id, mode, protocol, provider_account, order_id, customer_id, email, buyer, created_at)
      on conflict (account_id, protocol, provider_account, mode, order_id) do update set order_id = excluded.order_id
      returning account_id, id, customer_id, mode, protocol, provider_account, order_id`,
    values: transpose(
      wanted.map((one, index) => [
        one.accountId,
        newId(one.receivedAt),
        one.mode,
        one.protocol,
        one.providerAccount,
        one.orderId,
        customers[index],
        one.reading.buyer.email,
        JSON.stringify(buyerOnOrder(one.reading)),
        new Date(one.receivedAt),
      ]),
    ),
  });
  return byKey(rows);
}

function buyerOnOrder({ buyer, orderedOn }: Opening["reading"]): Omit<Buyer, "email"> & { orderedOn?: string } {
  const { email: _, ...rest } = buyer;
  return { ...rest, ...(orderedOn && { orderedOn }) };
}
