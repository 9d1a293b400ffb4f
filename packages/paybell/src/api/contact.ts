import { randomUUID } from "node:crypto";
import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { accessAt } from "../access/access.ts";
import { inTransaction, type Tx } from "../db/transaction.ts";
import { normaliseEmail } from "../domain/email.ts";
import { newId } from "../domain/id.ts";
import { handOverAgain } from "../fulfil/hand-over.ts";
import type { ItemLicence } from "../fulfil/licence-rows.ts";
import { revokeLinks } from "../fulfil/links.ts";
import type { House } from "../house.ts";
import { customerChanged, customerCreated, type NewCustomer } from "../ledger/announce-customers.ts";
import { balanceOf } from "../ledger/balance.ts";
import { addFacts, factsOf } from "../ledger/fact-rows.ts";
import { itemsHeldBy, lockCustomers } from "../ledger/held-rows.ts";
import { addEvents, type Announcement } from "../send/events.ts";
import { ensureSpace } from "../send/retention.ts";

type Change = {
  readonly accountId: string;
  /** our id of the order */
  readonly orderId: string;
  readonly email: string;
  readonly now: Instant;
};

/**
 * Mail of the order goes to the new address from now on, its items belong to that address's customer, earlier
 * links are useless, and the access data go out again. All of it at once.
 * @returns the number of items whose access data were sent
 * Source: docs/rules.md, R24
 */
export async function changeContact(house: House, change: Change): Promise<number | "erased"> {
  const { accountId, orderId, now } = change;
  await ensureSpace(house.pool, now);
  return inTransaction(house.pool, async (tx) => {
    const order = await lockOrder(tx, accountId, orderId);
    const { customerId, made } = await customerOf(tx, order, change);
    const lost = await lockCustomers(tx, [
      { accountId, customerId: order.customer_id },
      { accountId, customerId },
    ]);
    if (lost.size > 0) {
      await addEvents(house, tx, made.map(customerCreated));
      return "erased";
    }
    const items = await moveOrder(tx, change, customerId);
    await addContactFact(tx, order, change, items);
    await tx.query(
      `update delivery set state = 'dropped', reason = 'contact_changed'
       where account_id = $1 and item_id = any($2) and state = 'due' and needs_access`,
      [accountId, items.map((item) => item.id)],
    );
    await tx.query(
      `update alarm set closed_at = $4
       where account_id = $1 and mode = $2 and kind = 'mail_bounced' and data ->> 'order_id' = $3 and closed_at is null`,
      [accountId, order.mode, order.order_id, new Date(now)],
    );
    const moved = customerId !== order.customer_id;
    const revoked = moved ? await leave(tx, accountId, order, now) : [];
    const changed = customerChanged({
      accountId,
      mode: order.mode,
      customerId,
      at: now,
      email: change.email.trim(),
      orderId: order.order_id,
      previousCustomerId: moved ? order.customer_id : null,
    });
    await addEvents(house, tx, [...made.map(customerCreated), changed, ...revoked]);
    return handOverOrder(house, tx, { accountId, orderId, now }, customerId);
  });
}

/** @returns the number of items whose access data were sent */
export async function sendAgain(house: House, of: Omit<Change, "email">): Promise<number | "erased"> {
  await ensureSpace(house.pool, of.now);
  return inTransaction(house.pool, async (tx) => {
    const order = await lockOrder(tx, of.accountId, of.orderId);
    const lost = await lockCustomers(tx, [{ accountId: of.accountId, customerId: order.customer_id }]);
    return lost.size > 0 ? "erased" : handOverOrder(house, tx, of, order.customer_id);
  });
}

type LockedOrder = {
  customer_id: string;
  mode: Mode;
  protocol: string;
  provider_account: string;
  order_id: string;
};

/** Before its customers, as everywhere: orders first, then customers. */
async function lockOrder(tx: Tx, accountId: string, orderId: string): Promise<LockedOrder> {
  const { rows } = await tx.query<LockedOrder>(
    "select customer_id, mode, protocol, provider_account, order_id from orders where account_id = $1 and id = $2 for update",
    [accountId, orderId],
  );
  return rows[0]!;
}

/** The customer of the new address, found or made. The unique address decides a race. */
async function customerOf(
  tx: Tx,
  order: LockedOrder,
  { accountId, email, now }: Change,
): Promise<{ customerId: string; made: NewCustomer[] }> {
  const candidate = newId(now);
  const { rows } = await tx.query<{ customer_id: string }>(
    `insert into customer_email (account_id, mode, email, customer_id, added_at) values ($1, $2, $3, $4, $5)
     on conflict (account_id, mode, email) do update set email = excluded.email
     returning customer_id`,
    [accountId, order.mode, normaliseEmail(email), candidate, new Date(now)],
  );
  const customerId = rows[0]!.customer_id;
  if (customerId !== candidate) return { customerId, made: [] };
  const { rows: made } = await tx.query<NewNames>(
    `insert into customer (account_id, id, mode, first_name, last_name, country, language, created_at)
     select account_id, $3, mode, first_name, last_name, country, language, $4 from customer where account_id = $1 and id = $2
     returning first_name as "firstName", last_name as "lastName", country, language`,
    [accountId, order.customer_id, customerId, new Date(now)],
  );
  const of = { accountId, mode: order.mode, customerId, at: now, email: normaliseEmail(email), reference: null };
  return { customerId, made: made.map((names) => ({ ...of, ...names })) };
}

type NewNames = Pick<NewCustomer, "firstName" | "lastName" | "country" | "language">;

async function moveOrder(
  tx: Tx,
  { accountId, orderId, email, now }: Change,
  customerId: string,
): Promise<{ id: string; product_key: string }[]> {
  await tx.query("update orders set customer_id = $3, contact_email = $4 where account_id = $1 and id = $2", [
    accountId,
    orderId,
    customerId,
    email.trim(),
  ]);
  const { rows } = await tx.query<{ id: string; product_key: string }>(
    `update item set customer_id = $3, due_at = case when product_id is null then due_at else $4 end
     where account_id = $1 and order_row = $2 returning id, product_key`,
    [accountId, orderId, customerId, new Date(now)],
  );
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function addContactFact(
  tx: Tx,
  order: LockedOrder,
  { accountId, email, now }: Change,
  items: readonly { id: string; product_key: string }[],
): Promise<void> {
  const first = items[0];
  if (!first) return;
  await addFacts(tx, [
    {
      accountId,
      itemId: first.id,
      protocol: order.protocol,
      providerAccount: order.provider_account,
      mode: order.mode,
      fact: {
        kind: "contact_changed",
        email: email.trim(),
        identity: `contact_changed:${randomUUID()}`,
        productId: first.product_key,
        happenedAt: now,
      },
      arrivedAt: now,
      notificationId: null,
    },
  ]);
}

/**
 * The customer the order left: what is still held is computed again; who holds nothing any more loses all.
 * @returns what is to be announced of it
 */
async function leave(
  tx: Tx,
  accountId: string,
  { customer_id, mode }: LockedOrder,
  now: Instant,
): Promise<Announcement[]> {
  const { rowCount } = await tx.query(
    "update item set due_at = $3 where account_id = $1 and customer_id = $2 and product_id is not null",
    [accountId, customer_id, new Date(now)],
  );
  if (rowCount !== 0) return [];
  const { rows } = await tx.query<{ feature: string }>(
    `update entitlement set open = false, until = null, quantity = null, changed_at = $4
     where account_id = $1 and mode = $2 and customer_id = $3 and open returning feature`,
    [accountId, mode, customer_id, new Date(now)],
  );
  return rows.map(({ feature }) => ({
    accountId,
    mode,
    type: "access.revoked",
    at: now,
    orderKey: null,
    data: { customer_id, email: null, feature, until: null, limit: null, orders: [] },
  }));
}

async function handOverOrder(
  house: House,
  tx: Tx,
  { accountId, orderId, now }: Omit<Change, "email">,
  customerId: string,
): Promise<number> {
  const held = (await itemsHeldBy(tx, [{ accountId, customerId }])).filter((item) => item.order.row === orderId);
  await revokeLinks(
    tx,
    accountId,
    held.map((item) => item.id),
    now,
  );
  const open = held.flatMap((item) =>
    item.product && item.state && accessAt(item.state, now).open ? [{ item, state: item.state }] : [],
  );
  const ids = open.map(({ item }) => item.id);
  const licences = { of: await licencesOf(house, tx, accountId, ids), alarms: [] };
  const facts = await factsOf(
    tx,
    ids.map(() => accountId),
    ids,
  );
  for (const { item, state } of open) {
    const own = facts.get(item.id) ?? [];
    if (item.product?.config.licence && !licences.of.has(item.id))
      licences.of.set(item.id, { key: null, fresh: false });
    await handOverAgain(
      house,
      tx,
      { held: item, state, balance: balanceOf(own), waiting: item.waiting, effects: [], facts: own, now },
      licences,
    );
  }
  return open.length;
}

async function licencesOf(
  { seal }: Pick<House, "seal">,
  tx: Tx,
  accountId: string,
  itemIds: readonly string[],
): Promise<Map<string, ItemLicence>> {
  const { rows } = await tx.query<{ id: string; item_id: string; sealed: Buffer }>(
    "select id, item_id, sealed from licence where account_id = $1 and item_id = any($2)",
    [accountId, itemIds],
  );
  return new Map(rows.map((row) => [row.item_id, { key: seal.open(row.sealed, `licence:${row.id}`), fresh: false }]));
}
