import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { testEvent } from "@paybell/protocols/test-event";
import type { Context } from "../context.ts";
import { transpose } from "../db/rows.ts";
import { inTransaction, type Tx } from "../db/transaction.ts";
import { addressDefaults } from "../domain/address.ts";
import { closeAlarms, raiseAlarms } from "../fulfil/alarms.ts";
import type { Alarm, AlarmKind } from "../ledger/alarm.ts";
import { addEvents } from "./events.ts";
import type { Health } from "./health.ts";
import type { LaneRow } from "./lane-rows.ts";
import type { Result } from "./results.ts";
import { ensureSpace } from "./retention.ts";

const hourMs = 3_600_000;

/**
 * Tells the seller, once each, that an address fails and goes on failing: after an hour, at half time, and when it is
 * switched off. What is due to it is held, not dropped.
 */
export async function tellOfFailing(context: Context, row: LaneRow, health: Health, gone: boolean): Promise<void> {
  const now = context.clock();
  const disableAfterMs = (row.address?.options.disable_after_hours ?? addressDefaults.disable_after_hours) * hourMs;
  const level = levelOf(health, now, disableAfterMs, gone, row.transport === "mail");
  if (level === 0) return;
  await ensureSpace(context.pool, now);
  await inTransaction(context.pool, async (tx) => {
    const disabled = level === 3 ? (gone ? "gone" : "failing") : null;
    const { rows } = await tx.query<{ name: string; mode: Mode }>(
      `with told as (
         update lane set told = $3, version = version + case when $4::text is null then 0 else 1 end,
           disabled_at = case when $4::text is null then disabled_at else $5 end,
           disabled_reason = coalesce($4, disabled_reason)
         where account_id = $1 and id = $2 and told < $3 and version = $6
         returning account_id, id, transport
       )
       select coalesce(c.name, 'SMTP') as name, coalesce(c.mode, 'live') as mode
       from told t left join connection c on c.account_id = t.account_id and c.id = t.id`,
      [row.account_id, row.id, level, disabled, new Date(now), row.version],
    );
    const connection = rows[0];
    if (!connection) return;
    const failingSince = health.failingSince ?? now;
    const data = {
      connection_id: row.id,
      connection: connection.name,
      failing_since: new Date(failingSince).toISOString(),
      ...(row.transport === "http" &&
        !gone && { switched_off_at: new Date(failingSince + disableAfterMs).toISOString() }),
      ...(disabled && { reason: disabled }),
    };
    const { accountId, mode, at } = { accountId: row.account_id, mode: connection.mode, at: now };
    await raiseAlarms(context, tx, [
      { accountId, mode, kind: kinds[row.transport][level - 1]!, key: row.id, data, at },
    ]);
    if (row.transport === "http") {
      const type = level === 3 ? "connection.disabled" : "connection.failing";
      await addEvents(context, tx, [{ accountId, mode, type, at, orderKey: null, data }]);
    }
  });
}

const kinds: Record<LaneRow["transport"], readonly AlarmKind[]> = {
  http: ["address_failing", "address_half_time", "address_disabled"],
  mail: ["mail_server_failing", "mail_server_failing"],
};

function levelOf(
  { failingSince }: Health,
  now: Instant,
  disableAfterMs: number,
  gone: boolean,
  isMail: boolean,
): number {
  if (gone) return 3;
  const forMs = failingSince === null ? 0 : now - failingSince;
  if (isMail) return forMs >= hourMs ? 1 : 0;
  if (forMs >= disableAfterMs) return 3;
  if (forMs >= disableAfterMs / 2) return 2;
  return forMs >= Math.min(hourMs, disableAfterMs / 4) ? 1 : 0;
}

/** It answers again. */
export async function tellOfHealing(
  { pool, clock }: Pick<Context, "pool" | "clock">,
  row: Pick<LaneRow, "account_id" | "id">,
): Promise<void> {
  await closeAlarms(pool, row.account_id, [...kinds.http, ...kinds.mail], row.id, clock());
}

/**
 * Of deliveries that were given up, in the transaction of their results: `ensureSpace` before. What failed for good at a
 * connection is one alarm until all of it is tried again.
 */
export async function tellOfGivenUp(context: Context, tx: Tx, results: readonly Result[]): Promise<void> {
  const at = context.clock();
  const keys = transpose(results.map(({ duty }) => [duty.accountId, duty.id, new Date(duty.expiresAt)]));
  const alarms = [...(await bouncedMails(tx, keys)), ...(await failedEvents(tx, keys))];
  await raiseAlarms(
    context,
    tx,
    alarms.map((alarm) => ({ ...alarm, at })),
  );
}

/** The operator's own bounces raise nothing: the next mail would bounce as well. */
async function bouncedMails(tx: Tx, keys: readonly unknown[][]): Promise<Omit<Alarm, "at">[]> {
  const { rows } = await tx.query<Row & { recipient: string | null; order_id: string }>({
    name: "bounced_mails",
    text: `
      select d.account_id, d.id, d.mode, d.recipient, d.reason, o.order_id
      from ${given} and d.state = 'bounced'
      join item i on i.account_id = d.account_id and i.id = d.item_id
      join orders o on o.account_id = i.account_id and o.id = i.order_row`,
    values: [...keys],
  });
  return rows.map(({ account_id, id, mode, order_id, recipient, reason }) => {
    return {
      accountId: account_id,
      mode,
      kind: "mail_bounced",
      key: id,
      data: { order_id, address: recipient, reason },
    };
  });
}

async function failedEvents(tx: Tx, keys: readonly unknown[][]): Promise<Omit<Alarm, "at">[]> {
  type Failed = Row & { connection_id: string; connection: string; type: string; order_id: string | null };
  const { rows } = await tx.query<Failed>({
    name: "failed_events",
    text: `
      select d.account_id, d.id, d.mode, d.reason, c.id as connection_id, c.name as connection, e.type, e.order_key as order_id
      from ${given} and d.state = 'failed'
      join connection c on c.account_id = d.account_id and c.id = d.lane_id and c.removed_at is null
      join event e on e.account_id = d.account_id and e.id = d.event_id and e.expires_at = d.expires_at`,
    values: [...keys],
  });
  return rows.map(({ account_id, id, mode, ...data }) => {
    const key = data.connection_id;
    return { accountId: account_id, mode, kind: "deliveries_failed", key, data: { ...data, delivery_id: id } };
  });
}

const given = `unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as t (account_id, id, expires_at)
      join delivery d on d.account_id = t.account_id and d.id = t.id and d.expires_at = t.expires_at`;

type Row = { readonly account_id: string; readonly id: string; readonly mode: Mode; readonly reason: string | null };

/** Nothing that failed for good is left at these connections: it was tried again, it arrived late, or it has expired. */
export async function tellOfRepair(
  on: Pick<Tx, "query">,
  accountId: string,
  connectionIds: readonly string[],
  now: Instant,
): Promise<void> {
  await on.query({
    name: "repaired",
    text: `
      update alarm a set closed_at = $3
      from unnest($2::uuid[]) as c (id)
      where a.account_id = $1 and a.kind = 'deliveries_failed' and a.key = c.id::text and a.closed_at is null
        and not exists (
          select 1 from delivery d
          where d.lane_id = c.id and d.state = 'failed' and d.event_id is not null and d.kind <> '${testEvent}')`,
    values: [accountId, connectionIds, new Date(now)],
  });
}

/** Of all connections, for what no call tells of: what arrived late or has expired. */
export async function tellOfRepairs({ pool, clock }: Pick<Context, "pool" | "clock">): Promise<void> {
  const { rows } = await pool.query<{ account_id: string; ids: string[] }>(
    "select account_id, array_agg(key) as ids from alarm where kind = 'deliveries_failed' and closed_at is null group by account_id",
  );
  for (const { account_id, ids } of rows) await tellOfRepair(pool, account_id, ids, clock());
}
