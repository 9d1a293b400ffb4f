import type { Instant } from "@paybell/protocols/domain/day";
import type { Buyer, Mode } from "@paybell/protocols/domain/fact";
import { accessAt } from "../access/access.ts";
import type { Context } from "../context.ts";
import { inTransaction, type Tx } from "../db/transaction.ts";
import type { ProductConfig } from "../domain/product.ts";
import { type AccountSettings, defaults } from "../domain/settings.ts";
import type { ItemState } from "../ledger/fold.ts";
import { findLink } from "./link-rows.ts";
import { makeLinks } from "./links.ts";
import { loginMail } from "./login-mail.tsx";
import { queueMails } from "./mail-rows.ts";
import { chooseLanguage } from "./mails/language.ts";

export type LoginRequest = {
  readonly accountId: string;
  readonly mode: Mode;
  /** normalised */
  readonly email: string;
  /** ours: a login for this one only */
  readonly productId?: string | undefined;
  /** a login for this one where there is a choice */
  readonly preferredId?: string | undefined;
};

/**
 * Sends a new login link to an address that opens something, at most five times an hour. Whoever asks must not be
 * told whether it was sent: that would tell who is a customer.
 */
export async function requestLogin(context: Context, request: LoginRequest): Promise<void> {
  await inTransaction(context.pool, async (tx) => {
    const now = context.clock();
    const item = await itemToOpen(tx, request, now);
    if (!item || (await recentLinks(tx, request, now)) >= linksAnHour) return;
    const { made, written } = makeLinks(context, tx, [
      {
        accountId: request.accountId,
        mode: request.mode,
        email: request.email,
        kind: "login",
        itemId: item.id,
        customerId: item.customer_id,
        validDays: 1,
        at: now,
      },
    ]);
    await written;
    const login = made[0];
    const language = chooseLanguage(item.buyer, item.settings.language ?? defaults.language);
    const timeZone = item.settings.time_zone ?? context.timeZone;
    const test = request.mode === "test";
    await queueMails(context, tx, [
      {
        accountId: request.accountId,
        mode: request.mode,
        itemId: item.id,
        kind: "login",
        recipient: test ? (item.settings.test_email ?? null) : request.email,
        intendedFor: test ? request.email : null,
        language,
        needsAccess: false,
        at: now,
        from: item.settings.mail_from ?? null,
        mail: loginMail({ language, shop: item.shop, product: item.product, timeZone, login: login! }),
      },
    ]);
  });
}

/** A new link in place of one that is no more good, to the address the old one went to and to no other. */
export async function renewLogin(context: Context, token: string): Promise<void> {
  const link = await findLink(context.pool, { kind: "login", token });
  if (!link) return;
  const { accountId, mode, email, product } = link;
  await requestLogin(context, { accountId, mode, email, preferredId: product?.id });
}

const linksAnHour = 5;

type ItemRow = {
  id: string;
  customer_id: string;
  state: ItemState | null;
  buyer: Omit<Buyer, "email">;
  product: string;
  config: ProductConfig;
  shop: string;
  settings: AccountSettings;
};

/** The newest open item with a login whose mail goes to this address, or whose customer has confirmed it. */
async function itemToOpen(tx: Tx, request: LoginRequest, now: Instant): Promise<ItemRow | undefined> {
  const { rows } = await tx.query<ItemRow>(
    `
    with mine as (
      select id from orders where account_id = $1 and mode = $2 and lower(btrim(contact_email)) = $3
      union
      select o.id from orders o
      join customer_email e on e.account_id = o.account_id and e.customer_id = o.customer_id
      where e.account_id = $1 and e.mode = $2 and e.email = $3 and e.confirmed_at is not null
    )
    select i.id, i.customer_id, nullif(i.state, '{}') as state, o.buyer, p.name as product, p.config, a.name as shop, a.settings
    from mine
    join orders o on o.account_id = $1 and o.id = mine.id
    join item i on i.account_id = $1 and i.order_row = o.id
    join product p on p.account_id = $1 and p.id = i.product_id
    join account a on a.id = $1
    join customer c on c.account_id = $1 and c.id = i.customer_id and c.erased_at is null
    where $4::uuid is null or p.id = $4
    order by (p.id = $5::uuid) desc nulls last, i.id desc`,
    [request.accountId, request.mode, request.email, request.productId ?? null, request.preferredId ?? null],
  );
  return rows.find(({ state, config }) => config.login !== undefined && state && accessAt(state, now).open);
}

async function recentLinks(tx: Tx, { accountId, mode, email }: LoginRequest, now: Instant): Promise<number> {
  const { rows } = await tx.query<{ links: bigint }>(
    `select count(*) as links from link
     where account_id = $1 and mode = $2 and email = $3 and kind = 'login' and created_at > $4`,
    [accountId, mode, email, new Date(now - 3_600_000)],
  );
  return Number(rows[0]!.links);
}
