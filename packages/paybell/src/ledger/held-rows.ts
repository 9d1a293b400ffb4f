import type { Day, Instant } from "@paybell/protocols/domain/day";
import type { Buyer, Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import type { Product, ProductConfig } from "../domain/product.ts";
import type { AccountSettings } from "../domain/settings.ts";
import type { ItemState } from "./fold.ts";

/** An item with everything its next state depends on, but its facts. */
export type Held = {
  readonly accountId: string;
  readonly account: { readonly name: string; readonly settings: AccountSettings };
  readonly id: string;
  readonly mode: Mode;
  readonly protocol: string;
  readonly productKey: string;
  readonly productName: string | null;
  readonly product: Product | null;
  readonly order: {
    readonly row: string;
    readonly id: string;
    readonly contactEmail: string;
    readonly buyer: BuyerOnOrder;
  };
  readonly customer: { readonly id: string; readonly erased: boolean };
  readonly state: ItemState | null;
  readonly waiting: string | null;
  readonly effects: readonly string[];
  readonly quietBefore: Instant | null;
  readonly walkedTo: Instant | null;
  readonly licenceId: string | null;
};

/** As on the notification the order was made from. */
export type BuyerOnOrder = Omit<Buyer, "email"> & { readonly orderedOn?: Day };

/**
 * Locks the customers, in one order on every node: whoever changes anything of theirs waits here.
 * @returns those who were erased
 */
export async function lockCustomers(
  tx: PoolClient,
  customers: readonly { accountId: string; customerId: string }[],
): Promise<Set<string>> {
  const { rows } = await tx.query<{ id: string; erased: boolean }>({
    name: "lock_customers",
    text: `
      select c.id, c.erased_at is not null as erased
      from unnest($1::uuid[], $2::uuid[]) as t (account_id, id)
      join customer c on c.account_id = t.account_id and c.id = t.id
      order by c.account_id, c.id
      for update of c`,
    values: keys(customers),
  });
  return new Set(rows.filter((row) => row.erased).map((row) => row.id));
}

/** All items of these customers. */
export async function itemsHeldBy(
  tx: Pick<PoolClient, "query">,
  customers: readonly { accountId: string; customerId: string }[],
): Promise<Held[]> {
  const { rows } = await tx.query<HeldRow>({
    name: "items_held_by",
    text: `
      select i.account_id, a.name as account_name, a.settings, i.id, i.mode, i.protocol, i.product_key, i.product_name,
             p.id as product_id, p.name as our_name, p.config,
             i.order_row, o.order_id, o.contact_email, o.buyer, i.customer_id, c.erased_at,
             i.state, i.waiting, i.effects, i.quiet_before, i.walked_to, l.id as licence_id
      from unnest($1::uuid[], $2::uuid[]) as t (account_id, customer_id)
      join item i on i.account_id = t.account_id and i.customer_id = t.customer_id
      join orders o on o.account_id = i.account_id and o.id = i.order_row
      join account a on a.id = i.account_id
      join customer c on c.account_id = i.account_id and c.id = i.customer_id
      left join product p on p.account_id = i.account_id and p.id = i.product_id
      left join licence l on l.account_id = i.account_id and l.item_id = i.id`,
    values: keys(customers),
  });
  return rows.map(readHeld);
}

/** Each customer once. */
function keys(customers: readonly { accountId: string; customerId: string }[]): [string[], string[]] {
  const distinct = new Map(customers.map((one) => [one.customerId, one.accountId]));
  return [[...distinct.values()], [...distinct.keys()]];
}

type HeldRow = {
  account_id: string;
  account_name: string;
  settings: AccountSettings;
  id: string;
  mode: Mode;
  protocol: string;
  product_key: string;
  product_name: string | null;
  product_id: string | null;
  our_name: string | null;
  config: ProductConfig | null;
  order_row: string;
  order_id: string;
  contact_email: string;
  buyer: BuyerOnOrder;
  customer_id: string;
  erased_at: Instant | null;
  state: ItemState | Record<string, never>;
  waiting: string | null;
  effects: string[];
  quiet_before: Instant | null;
  walked_to: Instant | null;
  licence_id: string | null;
};

function readHeld(row: HeldRow): Held {
  return {
    accountId: row.account_id,
    account: { name: row.account_name, settings: row.settings },
    id: row.id,
    mode: row.mode,
    protocol: row.protocol,
    productKey: row.product_key,
    productName: row.product_name,
    product: row.product_id && row.config ? { id: row.product_id, name: row.our_name ?? "", config: row.config } : null,
    order: { row: row.order_row, id: row.order_id, contactEmail: row.contact_email, buyer: row.buyer },
    customer: { id: row.customer_id, erased: row.erased_at !== null },
    state: "spans" in row.state ? (row.state as ItemState) : null,
    waiting: row.waiting,
    effects: row.effects,
    quietBefore: row.quiet_before,
    walkedTo: row.walked_to,
    licenceId: row.licence_id,
  };
}
