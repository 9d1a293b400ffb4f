import type { PoolClient } from "pg";
import { transpose } from "../db/rows.ts";
import { idTime } from "../domain/id.ts";
import { redactKept } from "../record/redact.ts";
import type { StoredNotification } from "../record/stored.ts";

export type NotificationState = {
  readonly accountId: string;
  readonly id: string;
  readonly state: "applied" | "waiting" | "ignored";
  readonly reason: string | null;
};

export async function writeNotificationStates(tx: PoolClient, states: readonly NotificationState[]): Promise<void> {
  if (states.length === 0) return;
  await tx.query({
    name: "write_notification_states",
    text: `
      update notification n set state = t.state, reason = t.reason
      from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[]) as t (account_id, id, received_at, state, reason)
      where n.account_id = t.account_id and n.id = t.id and n.received_at = t.received_at
        and (n.state, n.reason) is distinct from (t.state, t.reason)`,
    values: transpose(states.map((one) => [one.accountId, one.id, new Date(idTime(one.id)), one.state, one.reason])),
  });
}

/** A later notification for an erased customer's order is booked, and does not bring the person back. */
export async function redactErased(tx: PoolClient, batch: readonly StoredNotification[]): Promise<void> {
  for (const { accountId, id, receivedAt } of batch) await redactKept(tx, accountId, [id], receivedAt);
}

/** Those of notifications without facts that speak of an erased customer's order all the same. */
export async function ofErasedCustomers(
  tx: PoolClient,
  silent: readonly StoredNotification[],
): Promise<StoredNotification[]> {
  if (silent.length === 0) return [];
  const { rows } = await tx.query<{ id: string }>({
    name: "of_erased_customers",
    text: `
      select t.id
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) as t (account_id, id, protocol, provider_account, mode, order_id)
      join orders o using (account_id, protocol, provider_account, mode, order_id)
      join customer c on c.account_id = o.account_id and c.id = o.customer_id
      where c.erased_at is not null`,
    values: transpose(
      silent.map((one) => [one.accountId, one.id, one.protocol, one.providerAccount, one.mode, one.orderId]),
    ),
  });
  return silent.filter((one) => rows.some((row) => row.id === one.id));
}
