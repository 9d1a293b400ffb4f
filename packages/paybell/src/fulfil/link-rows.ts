import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import { accessAt } from "../access/access.ts";
import { sha256 } from "../domain/id.ts";
import type { ProductConfig } from "../domain/product.ts";
import type { AccountSettings } from "../domain/settings.ts";
import type { ItemState } from "../ledger/fold.ts";

/** A link that was once in a mail, with what it is about. */
export type Link = {
  readonly accountId: string;
  readonly account: { readonly name: string; readonly settings: AccountSettings };
  readonly id: string;
  readonly mode: Mode;
  readonly itemId: string;
  readonly customerId: string;
  readonly email: string;
  readonly expiresAt: Instant;
  readonly usedAt: Instant | null;
  readonly revokedAt: Instant | null;
  /** the provider's */
  readonly orderId: string;
  /** null: not mapped any more */
  readonly product: { readonly id: string; readonly name: string; readonly config: ProductConfig } | null;
  readonly itemState: ItemState | null;
};

/** What a link is worth by itself; whether something is open behind it is another question. */
export type LinkVerdict = "good" | "used" | "expired" | "revoked";

/** Links of erased customers are gone. @param lock of two who use it at once, one waits */
export async function findLink(
  tx: Pick<PoolClient, "query">,
  by:
    | { readonly kind: "login" | "download"; readonly token: string }
    | { readonly accountId: string; readonly id: string },
  lock = false,
): Promise<Link | null> {
  const which = "token" in by ? "l.token_hash = $1 and l.kind = $2" : "l.account_id = $1 and l.id = $2";
  const { rows } = await tx.query<LinkRow>(
    `
    select l.account_id, a.name as shop, a.settings, l.id, l.mode, l.item_id, l.customer_id, l.email, l.expires_at, l.used_at,
           l.revoked_at, o.order_id, p.id as product_id, p.name as product, p.config, nullif(i.state, '{}') as state
    from link l
    join account a on a.id = l.account_id
    join customer c on c.account_id = l.account_id and c.id = l.customer_id and c.erased_at is null
    join item i on i.account_id = l.account_id and i.id = l.item_id
    join orders o on o.account_id = i.account_id and o.id = i.order_row
    left join product p on p.account_id = i.account_id and p.id = i.product_id
    where ${which} ${lock ? "for update of l" : ""}`,
    "token" in by ? [sha256(by.token), by.kind] : [by.accountId, by.id],
  );
  return rows[0] ? readLink(rows[0]) : null;
}

export function verdictOf(link: Link, at: Instant): LinkVerdict {
  if (link.revokedAt !== null) return "revoked";
  if (link.usedAt !== null) return "used";
  return at < link.expiresAt ? "good" : "expired";
}

/** Whether the customer holds anything open at all. */
export async function holdsOpen(
  tx: Pick<PoolClient, "query">,
  of: { readonly accountId: string; readonly mode: Mode; readonly customerId: string },
  at: Instant,
): Promise<boolean> {
  const { rows } = await tx.query<{ state: ItemState | null }>(
    "select nullif(state, '{}') as state from item where account_id = $1 and mode = $2 and customer_id = $3",
    [of.accountId, of.mode, of.customerId],
  );
  return rows.some(({ state }) => state !== null && accessAt(state, at).open);
}

type LinkRow = {
  account_id: string;
  shop: string;
  settings: AccountSettings;
  id: string;
  mode: Mode;
  item_id: string;
  customer_id: string;
  email: string;
  expires_at: Instant;
  used_at: Instant | null;
  revoked_at: Instant | null;
  order_id: string;
  product_id: string | null;
  product: string | null;
  config: ProductConfig | null;
  state: ItemState | null;
};

function readLink(row: LinkRow): Link {
  return {
    accountId: row.account_id,
    account: { name: row.shop, settings: row.settings },
    id: row.id,
    mode: row.mode,
    itemId: row.item_id,
    customerId: row.customer_id,
    email: row.email,
    expiresAt: row.expires_at,
    usedAt: row.used_at,
    revokedAt: row.revoked_at,
    orderId: row.order_id,
    product: row.product_id && row.config ? { id: row.product_id, name: row.product ?? "", config: row.config } : null,
    itemState: row.state,
  };
}
