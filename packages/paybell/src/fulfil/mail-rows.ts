import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import type { Context } from "../context.ts";
import { transpose } from "../db/rows.ts";
import { afterCommit } from "../db/transaction.ts";
import { newId } from "../domain/id.ts";
import { type Language, type RenderedMail, type SealedMail, sealedMailFor } from "../domain/mail.ts";
import { defaultRetentionDays } from "../domain/settings.ts";

/** A mail on its way out: a delivery row, written in the transaction of the change it speaks of. */
export type QueuedMail = {
  readonly accountId: string;
  readonly mode: Mode;
  readonly itemId: string | null;
  readonly kind: string;
  /** null: nobody may get it (a test order), it is only shown */
  readonly recipient: string | null;
  /** the buyer, where the recipient is somebody else */
  readonly intendedFor: string | null;
  readonly language: Language;
  /** not sent when the item has no access at the moment of sending */
  readonly needsAccess: boolean;
  readonly at: Instant;
  /** `Name <address>`; null: the installation's own sender */
  readonly from: string | null;
  readonly mail: RenderedMail;
};

export async function queueMails(
  context: Pick<Context, "clock" | "seal" | "mailFrom" | "sendsMail" | "sending">,
  tx: Pick<PoolClient, "query">,
  mails: readonly QueuedMail[],
): Promise<string[]> {
  if (mails.length === 0) return [];
  const rows = mails.map((mail) => {
    const id = newId(mail.at);
    const content: SealedMail = { ...mail.mail, from: mail.from ?? context.mailFrom };
    const sealed = context.seal.seal(JSON.stringify(content), sealedMailFor(id));
    const reason = mail.recipient === null ? "test_mode" : context.sendsMail ? null : "no_smtp";
    const state = reason === null ? "due" : "kept";
    return [
      mail.accountId,
      id,
      mail.mode,
      mail.itemId,
      mail.kind,
      mail.recipient,
      mail.intendedFor,
      mail.language,
      mail.needsAccess,
      sealed,
      state,
      reason,
      new Date(mail.at),
    ];
  });
  await tx.query({
    name: "queue_mails",
    text: `
      insert into delivery (account_id, id, expires_at, mode, lane_id, item_id, kind, recipient, intended_for, language, needs_access,
                            sealed, state, reason, due_at, created_at)
      select t.account_id, t.id, $14::timestamptz + make_interval(days => coalesce((a.settings->>'retention_days')::integer, ${defaultRetentionDays})),
             t.mode, t.account_id, t.item_id, t.kind, t.recipient, t.intended_for, t.language, t.needs_access, t.sealed, t.state, t.reason, t.at, t.at
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[],
                  $10::bytea[], $11::text[], $12::text[], $13::timestamptz[])
        as t (account_id, id, mode, item_id, kind, recipient, intended_for, language, needs_access, sealed, state, reason, at)
      join account a on a.id = t.account_id`,
    values: [...transpose(rows), new Date(context.clock())],
  });
  afterCommit(tx, () => context.sending.look([...new Set(mails.map((mail) => mail.accountId))]));
  return rows.map((row) => row[1] as string);
}
