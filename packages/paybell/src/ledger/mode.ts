import type { PoolClient } from "pg";
import { transpose } from "../db/rows.ts";
import { idTime } from "../domain/id.ts";
import type { StoredNotification } from "../record/stored.ts";
import { type KeptRow, keptColumns, readAgain } from "../record/stored-rows.ts";

/**
 * Some messages do not say whether they are of a test (CopeCart's cancellations). They belong to the order they
 * speak of, whichever came first: one that came before its test order is taken over from the live space, where
 * it did nothing.
 * @returns the batch with every mode decided, and the notifications taken over
 * Source: docs/rules.md, R15
 */
export async function decideModes(tx: PoolClient, batch: readonly StoredNotification[]): Promise<StoredNotification[]> {
  const silent = batch.filter((one) => one.mode === "live" && one.reading.mode === undefined);
  const testing = batch.filter((one) => one.mode === "test");
  const moved = silent.length === 0 ? new Set<string>() : await ofTestOrders(tx, silent, testing);
  const decided = batch.map((one): StoredNotification => (moved.has(one.id) ? { ...one, mode: "test" } : one));
  if (moved.size > 0)
    await setMode(
      tx,
      decided.filter((one) => moved.has(one.id)),
    );
  return testing.length === 0 ? decided : [...decided, ...(await takeOver(tx, testing))];
}

async function ofTestOrders(
  tx: PoolClient,
  silent: readonly StoredNotification[],
  testing: readonly StoredNotification[],
): Promise<Set<string>> {
  const { rows } = await tx.query<{ id: string; modes: string[] }>({
    name: "modes_of_orders",
    text: `
      select t.id, array_agg(o.mode) as modes
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) as t (account_id, id, protocol, provider_account, order_id)
      join orders o using (account_id, protocol, provider_account, order_id)
      group by t.id`,
    values: transpose(silent.map((one) => [one.accountId, one.id, one.protocol, one.providerAccount, one.orderId])),
  });
  const known = new Map(rows.map((row) => [row.id, row.modes]));
  const together = new Set(testing.map(orderOf));
  return new Set(
    silent
      .filter((one) => {
        const modes = known.get(one.id) ?? [];
        return !modes.includes("live") && (modes.includes("test") || together.has(orderOf(one)));
      })
      .map((one) => one.id),
  );
}

function orderOf(one: StoredNotification): string {
  return JSON.stringify([one.accountId, one.protocol, one.providerAccount, one.orderId]);
}

async function setMode(tx: PoolClient, notifications: readonly StoredNotification[]): Promise<void> {
  await tx.query(
    `update notification n set mode = 'test'
     from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as t (account_id, id, received_at)
     where n.account_id = t.account_id and n.id = t.id and n.received_at = t.received_at`,
    transpose(notifications.map((one) => [one.accountId, one.id, new Date(idTime(one.id))])),
  );
}

/** Live orders of which nothing but a cancellation is known: the test order they belong to is here now. */
async function takeOver(tx: PoolClient, testing: readonly StoredNotification[]): Promise<StoredNotification[]> {
  const { rows: orders } = await tx.query<{ account_id: string; id: string; customer_id: string }>({
    name: "orders_taken_for_live",
    text: `
      select o.account_id, o.id, o.customer_id
      from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as t (account_id, protocol, provider_account, order_id)
      join orders o using (account_id, protocol, provider_account, order_id)
      where o.mode = 'live' and not exists (
          select 1 from item i join fact f on f.account_id = i.account_id and f.item_id = i.id
          where i.account_id = o.account_id and i.order_row = o.id and f.kind <> 'cancelled')
      for update of o`,
    values: transpose(testing.map((one) => [one.accountId, one.protocol, one.providerAccount, one.orderId])),
  });
  const taken: StoredNotification[] = [];
  for (const order of orders) {
    const { rows } = await tx.query<KeptRow>(
      `select ${keptColumns} from notification
       where account_id = $1 and id in (
         select f.notification_id from item i join fact f on f.account_id = i.account_id and f.item_id = i.id
         where i.account_id = $1 and i.order_row = $2)`,
      [order.account_id, order.id],
    );
    taken.push(...rows.flatMap((row) => readAgain({ ...row, mode: "test" }) ?? []));
    await tx.query(
      "delete from fact where account_id = $1 and item_id in (select id from item where account_id = $1 and order_row = $2)",
      [order.account_id, order.id],
    );
    await tx.query("delete from item where account_id = $1 and order_row = $2", [order.account_id, order.id]);
    await tx.query("delete from orders where account_id = $1 and id = $2", [order.account_id, order.id]);
  }
  if (taken.length > 0) await setMode(tx, taken);
  return taken;
}
