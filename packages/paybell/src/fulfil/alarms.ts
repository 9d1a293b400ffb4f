import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import type { Context } from "../context.ts";
import { transpose } from "../db/rows.ts";
import { afterCommit } from "../db/transaction.ts";
import { newId } from "../domain/id.ts";
import type { Alarm, AlarmKind } from "../ledger/alarm.ts";
import { type DeliveryRow, offered, type Printed, written, writtenRows } from "../send/events.ts";
import { alarmMail } from "./alarm-mail.ts";
import { type QueuedMail, queueMails } from "./mail-rows.ts";

/**
 * Raises each alarm once; one that was closed because its cause was mended is raised again when the cause returns.
 * What is raised is announced in the same statement, and mailed to the operator: `ensureSpace` before.
 */
export async function raiseAlarms(
  context: Context,
  tx: Pick<PoolClient, "query">,
  alarms: readonly Alarm[],
): Promise<void> {
  const distinct = [
    ...new Map(
      alarms.map((alarm) => [JSON.stringify([alarm.accountId, alarm.mode, alarm.kind, alarm.key]), alarm]),
    ).values(),
  ];
  if (distinct.length === 0) return;
  const now = context.clock();
  const { rows } = await tx.query<RaisedRow>({
    name: "raise_alarms",
    text: `
      with a as (
        select * from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::uuid[])
          as t (account_id, id, mode, kind, key, data, at, event_id)
      ), raised as (
        insert into alarm (account_id, id, mode, kind, key, data, raised_at, last_at)
        select account_id, id, mode, kind, key, data::jsonb, at, at from a
        on conflict (account_id, mode, kind, key) do update
          set closed_at = null, times = alarm.times + 1, last_at = excluded.last_at, data = excluded.data
          where alarm.closed_at is not null and alarm.kind = any($10)
        returning account_id, id, mode, kind, key
      ), given as (
        select account_id, a.event_id as id, mode, 'alarm.raised' as type, a.at, null::text as order_key, r.id::text as about, kind, key,
               json_build_object('alarm_id', r.id, 'kind', kind, 'key', key, 'data', a.data::json)::text as data
        from raised r join a using (account_id, mode, kind, key)
      ), ${written("given")}, rows as (${writtenRows})
      select g.account_id as alarm_account_id, g.mode, g.kind, g.key, g.data, g.id as alarm_event_id, o.name,
             o.settings->>'operator_email' as operator_email, o.settings->>'language' as language, o.settings->>'mail_from' as mail_from,
             rows.*
      from given g join account o on o.id = g.account_id left join rows on rows.event_id = g.id`,
    values: [
      new Date(now),
      ...transpose(
        distinct.map((alarm) => [
          alarm.accountId,
          newId(alarm.at),
          alarm.mode,
          alarm.kind,
          alarm.key,
          JSON.stringify(alarm.data),
          new Date(alarm.at),
          newId(now),
        ]),
      ),
      reopening,
    ],
  });
  // A row for each connection that is told, and one where none is.
  const raised = [...new Map(rows.map((row) => [row.alarm_event_id, row])).values()].flatMap((row) => {
    const alarm = distinct.find(
      (one) =>
        one.accountId === row.alarm_account_id && one.mode === row.mode && one.kind === row.kind && one.key === row.key,
    );
    return alarm ? [{ row, alarm }] : [];
  });
  const told = rows.filter(isDelivery);
  if (told.length > 0) afterCommit(tx, () => context.sending.offer(offered(told, raised.map(printed))));
  await queueMails(
    context,
    tx,
    raised.flatMap((one) => operatorMail(context, one)),
  );
}

type RaisedRow = Omit<DeliveryRow, "id"> & {
  /** null: no connection is told */
  id: string | null;
  alarm_account_id: string;
  alarm_event_id: string;
  mode: Mode;
  kind: AlarmKind;
  key: string;
  /** of the event */
  data: string;
  operator_email: string | null;
  language: "de" | "en" | null;
  mail_from: string | null;
  name: string;
};

function isDelivery(row: RaisedRow): row is RaisedRow & DeliveryRow {
  return row.id !== null;
}

type Raised = { readonly row: RaisedRow; readonly alarm: Alarm };

function printed({ row, alarm }: Raised): Printed {
  const { accountId, mode, at } = alarm;
  const event = { id: row.alarm_event_id, type: "alarm.raised", orderKey: null, about: null, data: row.data };
  return { accountId, mode, at, ...event };
}

function operatorMail(context: Context, { row, alarm }: Raised): QueuedMail[] {
  if (!row.operator_email || row.mode === "test") return [];
  const language = row.language ?? "en";
  return [
    {
      accountId: row.alarm_account_id,
      mode: row.mode,
      itemId: null,
      kind: "alarm",
      recipient: row.operator_email,
      intendedFor: null,
      language,
      needsAccess: false,
      at: alarm.at,
      from: row.mail_from,
      mail: alarmMail(alarm, language, context.publicUrl),
    },
  ];
}

/** The cause is gone: the product is mapped, the pool is filled. */
export async function closeAlarms(
  tx: Pick<PoolClient, "query">,
  accountId: string,
  kinds: readonly AlarmKind[],
  key: string,
  at: Instant,
): Promise<void> {
  await tx.query(
    "update alarm set closed_at = $4 where account_id = $1 and kind = any($2) and key = $3 and closed_at is null",
    [accountId, kinds, key, new Date(at)],
  );
}

const reopening: AlarmKind[] = [
  "product_unmapped",
  "key_pool_low",
  "key_pool_empty",
  "signatures_wrong",
  "connection_silent",
  "licence_over_limit",
  "mail_server_failing",
  "address_failing",
  "address_half_time",
  "address_disabled",
  "deliveries_failed",
];
