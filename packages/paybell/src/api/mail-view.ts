import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { z } from "zod";
import { type SealedMail, sealedMailFor } from "../domain/mail.ts";
import type { House } from "../house.ts";
import { iso, isoInstant } from "./instant.ts";

export const mailSchema = z.object({
  id: z.string(),
  kind: z.string(),
  mode: z.enum(["live", "test"]),
  /** null: nobody may get it (a test order), it is only shown */
  to: z.string().nullable(),
  /** the buyer, where the mail went to somebody else */
  intended_for: z.string().nullable(),
  subject: z.string().nullable(),
  text: z.string().nullable(),
  html: z.string().nullable(),
  language: z.string(),
  /** due, sent, kept, failed, bounced, dropped */
  state: z.string(),
  reason: z.string().nullable(),
  order_id: z.string().nullable(),
  item_id: z.string().nullable(),
  created_at: isoInstant,
  sent_at: isoInstant.nullable(),
  attempts: z.int(),
});

export type MailRow = {
  id: string;
  mode: Mode;
  kind: string;
  recipient: string | null;
  intended_for: string | null;
  language: string;
  sealed: Buffer;
  state: string;
  reason: string | null;
  item_id: string | null;
  order_id: string | null;
  order_row: string | null;
  created_at: Instant;
  sent_at: Instant | null;
  attempts: number;
};

export type MailFilter = {
  readonly accountId: string;
  readonly modes: readonly Mode[];
  readonly id?: string;
  readonly orderRows?: readonly string[];
  readonly order_id?: string | undefined;
  readonly email?: string | undefined;
  readonly kind?: string | undefined;
  readonly state?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
};

export async function mailRows({ pool }: Pick<House, "pool">, of: MailFilter): Promise<MailRow[]> {
  const byOrder = of.orderRows !== undefined || of.order_id !== undefined;
  // Through the order where one is named, so that its few items are looked up and not all mails.
  const from = byOrder
    ? `orders o join item i on i.account_id = o.account_id and i.order_row = o.id
       join delivery d on d.account_id = i.account_id and d.item_id = i.id`
    : `delivery d left join item i on i.account_id = d.account_id and i.id = d.item_id
       left join orders o on o.account_id = i.account_id and o.id = i.order_row`;
  const { rows } = await pool.query<MailRow>(
    `
    select d.id, d.mode, d.kind, d.recipient, d.intended_for, d.language, d.sealed, d.state, d.reason, d.item_id,
           o.order_id, o.id as order_row, d.created_at, d.sent_at, d.attempts
    from ${from}
    where d.account_id = $1 and d.lane_id = $1 and d.mode = any($2)
      and ($3::uuid is null or d.id = $3)
      and ($4::uuid[] is null or o.id = any($4))
      and ($5::text is null or o.order_id = $5)
      and ($6::text is null or lower(d.recipient) = $6 or lower(d.intended_for) = $6)
      and ($7::text is null or d.kind = $7)
      and ($8::text is null or d.state = $8)
      and ($9::uuid is null or d.id < $9)
      ${byOrder ? "and o.account_id = $1" : ""}
    order by d.id desc limit $10 + 1`,
    [
      of.accountId,
      of.modes,
      of.id ?? null,
      of.orderRows ?? null,
      of.order_id ?? null,
      of.email ?? null,
      of.kind ?? null,
      of.state ?? null,
      of.cursor ?? null,
      of.limit,
    ],
  );
  return rows;
}

export function shownMail({ seal }: Pick<House, "seal">, row: MailRow): z.input<typeof mailSchema> {
  const content = opened(seal, row);
  return {
    id: row.id,
    kind: row.kind,
    mode: row.mode,
    to: row.recipient,
    intended_for: row.intended_for,
    subject: content?.subject ?? null,
    text: content?.text ?? null,
    html: content?.html ?? null,
    language: row.language,
    state: row.state,
    reason: row.reason,
    order_id: row.order_id,
    item_id: row.item_id,
    created_at: iso(row.created_at),
    sent_at: iso(row.sent_at),
    attempts: row.attempts,
  };
}

/** @returns null: sealed under another master key, which must not hide the rest of the list */
function opened(seal: House["seal"], row: MailRow): SealedMail | null {
  try {
    return JSON.parse(seal.open(row.sealed, sealedMailFor(row.id))) as SealedMail;
  } catch {
    return null;
  }
}
