import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool } from "pg";
import { z } from "zod";
import type { Context } from "../context.ts";
import type { RenderedMail } from "../domain/mail.ts";
import { parseMailbox } from "./mailbox.ts";
import { type MailTransport, mailConcurrency } from "./smtp.ts";

/** What `delivery.sealed` holds as JSON, sealed for {@link sealedFor}; `from` as in the account's `mail_from`. */
export type SealedMail = RenderedMail & { readonly from: string };
const sealedMail = z.object({ from: z.string(), subject: z.string(), html: z.string(), text: z.string() });

/** The place a delivery's content is sealed for. */
export function sealedFor(deliveryId: string): string {
  return `delivery:${deliveryId}`;
}

export type MailDuty = Pick<Context, "pool" | "clock" | "seal" | "log"> & {
  /** null: no mail server is configured */
  readonly mail: MailTransport | null;
  /** in [0, 1), spreads retries */
  readonly random: () => number;
  /** Which of these deliveries' items are open at this moment; answers their `deliveryId`s. */
  readonly stillOpen: (deliveries: readonly ItemDelivery[]) => Promise<ReadonlySet<string>>;
  /** Told after these were refused for good. */
  readonly onBounce: (
    deliveries: readonly { readonly accountId: string; readonly deliveryId: string }[],
  ) => Promise<void>;
};

export type ItemDelivery = { readonly accountId: string; readonly deliveryId: string; readonly itemId: string };

/**
 * Sends mails that are due, at least once each. Any number of nodes may do so at the same time; no transaction is
 * open while a mail server is spoken to.
 * @returns how many deliveries were dealt with, at most `limit`; 0: none was due
 */
export async function sendDueMails(duty: MailDuty, limit: number): Promise<number> {
  const { mail } = duty;
  if (!mail) return keepDue(duty.pool, duty.clock(), limit);
  let done = 0;
  while (done < limit) {
    const claimed = await claimDue(duty.pool, duty.clock(), Math.min(roundSize, limit - done));
    if (claimed.length === 0) break;
    const open = await openAmong(duty, claimed);
    const results = await inParallel(mailConcurrency, claimed, (delivery) => deliver(duty, mail, delivery, open));
    await writeResults(duty.pool, results);
    const bounced = results.filter(({ state }) => state === "bounced");
    if (bounced.length > 0)
      await duty.onBounce(bounced.map(({ delivery }) => ({ accountId: delivery.account_id, deliveryId: delivery.id })));
    done += claimed.length;
  }
  return done;
}

// Two mails per connection: few enough that all of them end within the lease even when the mail server answers none
// (twice the deadline of a send), and that little is sent again when this process dies.
const roundSize = 2 * mailConcurrency;
const leaseSeconds = 180;

const minute = 60_000;
const retryDelaysMs = [1, 5, 15, 60, 4 * 60, 12 * 60, 24 * 60].map((minutes) => minutes * minute);

type Claimed = {
  readonly account_id: string;
  readonly id: string;
  readonly item_id: string | null;
  readonly recipient: string | null;
  readonly needs_access: boolean;
  readonly sealed: Buffer;
  /** counts this one */
  readonly attempts: number;
  readonly erased: boolean;
};

type Result = {
  readonly delivery: Claimed;
  readonly state: "sent" | "due" | "kept" | "failed" | "bounced" | "dropped";
  readonly reason?: string;
  /** was the mail server spoken to */
  readonly tried: boolean;
  readonly at: Instant;
  readonly dueAt?: Instant;
};

async function deliver(
  { clock, seal, random, log }: MailDuty,
  mail: MailTransport,
  delivery: Claimed,
  open: ReadonlySet<string>,
): Promise<Result> {
  const untried = { delivery, tried: false, at: clock() };
  if (delivery.erased) return { ...untried, state: "dropped", reason: "erased" };
  if (delivery.recipient === null) return { ...untried, state: "kept", reason: "no_recipient" };
  if (delivery.needs_access && !open.has(delivery.id)) return { ...untried, state: "dropped", reason: "no_access" };

  let content: SealedMail;
  try {
    content = sealedMail.parse(JSON.parse(seal.open(delivery.sealed, sealedFor(delivery.id))));
  } catch {
    // Another master key, most likely: put right, the mail can still go.
    log.error({ deliveryId: delivery.id, code: "content_unreadable" }, "A mail's content could not be opened.");
    const reason = "content_unreadable: The content was sealed under another master key.";
    return { delivery, tried: true, at: clock(), ...nextTry(delivery, clock(), random), reason };
  }
  const host = parseMailbox(content.from)?.address.split("@")[1] ?? "localhost";
  const result = await mail.send({
    ...content,
    to: delivery.recipient,
    messageId: `<${delivery.id}@${host}>`,
    // RFC 3834, section 5; the second is what Exchange reads instead. No "out of office" comes back.
    headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
  });
  const tried = { delivery, tried: true, at: clock() };
  if (result.ok) return { ...tried, state: "sent" };
  log.warn({ deliveryId: delivery.id, attempt: delivery.attempts, code: result.code }, "A mail was not sent.");
  const reason = `${result.code}: ${result.sentence}`;
  if (result.permanent) return { ...tried, state: "bounced", reason };
  return { ...tried, ...nextTry(delivery, clock(), random), reason };
}

/** Full jitter, so that mails that failed together do not come back together; never at once. */
function nextTry(
  { attempts }: Claimed,
  now: Instant,
  random: () => number,
): { state: "failed" } | { state: "due"; dueAt: Instant } {
  const delay = retryDelaysMs[attempts - 1];
  return delay === undefined ? { state: "failed" } : { state: "due", dueAt: now + Math.max(1000, random() * delay) };
}

async function openAmong(duty: MailDuty, claimed: readonly Claimed[]): Promise<ReadonlySet<string>> {
  const asked = claimed.flatMap(({ needs_access, account_id, id, item_id }) =>
    needs_access && item_id !== null ? [{ accountId: account_id, deliveryId: id, itemId: item_id }] : [],
  );
  return asked.length === 0 ? new Set() : duty.stillOpen(asked);
}

// Due by the clock we were given, leased by the database's: leases are between nodes, whose clocks differ.
async function claimDue(pool: Pool, now: Instant, limit: number): Promise<Claimed[]> {
  const { rows } = await pool.query<Claimed>({
    name: "claim_due_mails",
    text: `
with picked as materialized (
  select account_id, id
  from delivery
  where state in ('due', 'sending') and due_at <= $1
    and (state = 'due' or leased_until < clock_timestamp())
  order by due_at
  limit $2
  for update skip locked
), claimed as (
  update delivery d
  set state = 'sending', attempts = d.attempts + 1, leased_until = clock_timestamp() + make_interval(secs => $3)
  from picked p
  where d.account_id = p.account_id and d.id = p.id
  returning d.account_id, d.id, d.item_id, d.recipient, d.needs_access, d.sealed, d.attempts
)
select c.*, coalesce(u.erased_at is not null, false) as erased
from claimed c
left join item i on i.account_id = c.account_id and i.id = c.item_id
left join customer u on u.account_id = i.account_id and u.id = i.customer_id`,
    values: [new Date(now), limit, leaseSeconds],
  });
  return rows;
}

async function writeResults(pool: Pool, results: readonly Result[]): Promise<void> {
  const column = <T>(read: (result: Result) => T): T[] => results.map(read);
  await pool.query({
    name: "write_mail_results",
    // The attempt's number says whether the lease is still ours. A mail that did go out is written as sent even after
    // the lease was lost: that is what happened.
    text: `
update delivery d
set state = r.state, reason = r.reason, attempts = d.attempts - case when r.tried then 0 else 1 end,
  due_at = coalesce(r.due_at, d.due_at), sent_at = r.sent_at, leased_until = null
from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::boolean[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[])
  as r (account_id, id, attempt, tried, state, reason, due_at, sent_at)
where d.account_id = r.account_id and d.id = r.id
  and ((d.state = 'sending' and d.attempts = r.attempt) or (r.state = 'sent' and d.state in ('sending', 'due', 'failed')))`,
    values: [
      column(({ delivery }) => delivery.account_id),
      column(({ delivery }) => delivery.id),
      column(({ delivery }) => delivery.attempts),
      column(({ tried }) => tried),
      column(({ state }) => state),
      column(({ reason }) => reason ?? null),
      column(({ dueAt }) => timestamp(dueAt)),
      column(({ state, at }) => timestamp(state === "sent" ? at : undefined)),
    ],
  });
}

function timestamp(at: Instant | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}

/** Without a mail server what is due is kept to be shown, and goes out when somebody sends it again. */
async function keepDue(pool: Pool, now: Instant, limit: number): Promise<number> {
  const { rowCount } = await pool.query({
    name: "keep_due_mails",
    text: `
with picked as materialized (
  select account_id, id
  from delivery
  where state in ('due', 'sending') and due_at <= $1
    and (state = 'due' or leased_until < clock_timestamp())
  order by due_at
  limit $2
  for update skip locked
)
update delivery d
set state = 'kept', reason = 'no_smtp', leased_until = null
from picked p
where d.account_id = p.account_id and d.id = p.id`,
    values: [new Date(now), limit],
  });
  return rowCount ?? 0;
}

async function inParallel<T, R>(lanes: number, list: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = list.entries();
  const lane = async () => {
    for (const [index, item] of queue) results[index] = await act(item);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, list.length) }, lane));
  return results;
}
