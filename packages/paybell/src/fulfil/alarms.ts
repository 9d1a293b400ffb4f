import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import type { Context } from "../context.ts";
import { transpose } from "../db/rows.ts";
import { newId } from "../domain/id.ts";
import type { Alarm, AlarmKind } from "../ledger/alarm.ts";
import { alarmMail } from "./alarm-mail.ts";
import { queueMails } from "./mail-rows.ts";

/** Raises each alarm once; one that was closed because its cause was mended is raised again when the cause returns. */
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
  const { rows } = await tx.query<{
    account_id: string;
    mode: Mode;
    kind: AlarmKind;
    key: string;
    operator_email: string | null;
    language: "de" | "en" | null;
    mail_from: string | null;
    name: string;
  }>({
    name: "raise_alarms",
    text: `
      with raised as (
        insert into alarm (account_id, id, mode, kind, key, data, raised_at, last_at)
        select account_id, id, mode, kind, key, data::jsonb, at, at
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[]) as t (account_id, id, mode, kind, key, data, at)
        on conflict (account_id, mode, kind, key) do update
          set closed_at = null, times = alarm.times + 1, last_at = excluded.last_at, data = excluded.data
          where alarm.closed_at is not null and alarm.kind = any($8)
        returning account_id, mode, kind, key
      )
      select r.*, a.name, a.settings->>'operator_email' as operator_email, a.settings->>'language' as language, a.settings->>'mail_from' as mail_from
      from raised r join account a on a.id = r.account_id`,
    values: [
      ...transpose(
        distinct.map((alarm) => [
          alarm.accountId,
          newId(alarm.at),
          alarm.mode,
          alarm.kind,
          alarm.key,
          JSON.stringify(alarm.data),
          new Date(alarm.at),
        ]),
      ),
      reopening,
    ],
  });
  await queueMails(
    context,
    tx,
    rows.flatMap((row) => {
      const alarm = distinct.find(
        (one) =>
          one.accountId === row.account_id && one.mode === row.mode && one.kind === row.kind && one.key === row.key,
      );
      if (!row.operator_email || row.mode === "test" || !alarm) return [];
      const language = row.language ?? "en";
      return [
        {
          accountId: row.account_id,
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
    }),
  );
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
  "licence_over_limit",
  "mail_server_failing",
  "address_failing",
  "address_half_time",
  "address_disabled",
];
