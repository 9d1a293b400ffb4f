import { z } from "zod";
import { accessAt } from "../access/access.ts";
import type { Context } from "../context.ts";
import { isUnavailable } from "../db/pool.ts";
import { type SealedMail, sealedMailFor } from "../domain/mail.ts";
import type { ItemState } from "../ledger/fold.ts";
import type { Transport } from "./lanes.ts";
import { parseMailbox } from "./mailbox.ts";
import type { Carrier, MailDuty, Outcome } from "./outcome.ts";
import { type MailTransport, mailConcurrency, type SendFailure } from "./smtp.ts";

/** What `delivery.sealed` holds as JSON. */
const sealedMail: z.ZodType<SealedMail> = z.object({
  from: z.string(),
  subject: z.string(),
  html: z.string(),
  text: z.string(),
});

/** @param smtp null: no mail server is configured; mails are kept and shown */
export function mailTransport(
  context: Pick<Context, "pool" | "clock" | "seal" | "log">,
  smtp: MailTransport | null,
): Transport {
  return {
    capacity: mailConcurrency,
    open: () => ({
      carrier: openMailbox(context, smtp),
      pace: { schedule: "mail", concurrency: mailConcurrency, rate: undefined },
    }),
  };
}

function openMailbox(context: Pick<Context, "pool" | "clock" | "seal" | "log">, smtp: MailTransport | null): Carrier {
  return {
    async deliver(duty) {
      if (duty.what !== "mail") return { state: "failed", reason: "not_a_mail", address: "unknown" };
      try {
        return await send(context, smtp, duty);
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        // What the mail needs to be judged is not known.
        return { state: "held", address: "unknown" };
      }
    },
    close: () => undefined,
  };
}

async function send(
  { pool, clock, seal, log }: Pick<Context, "pool" | "clock" | "seal" | "log">,
  smtp: MailTransport | null,
  duty: MailDuty,
): Promise<Outcome> {
  const item = duty.itemId === null ? undefined : await itemNow(pool, duty.accountId, duty.itemId);
  if (item?.erased) return untried("dropped", "erased");
  if (duty.recipient === null) return untried("kept", "no_recipient");
  if (!smtp) return untried("kept", "no_smtp");
  // A welcome is never sent for an item that has no access at the moment of sending.
  if (duty.needsAccess && !(item && "spans" in item.state && accessAt(item.state, clock()).open))
    return untried("dropped", "no_access");

  let content: SealedMail;
  try {
    content = sealedMail.parse(JSON.parse(seal.open(duty.sealed, sealedMailFor(duty.id))));
  } catch {
    // Another master key, most likely: put right, the mail can still go.
    log.error({ deliveryId: duty.id, code: "content_unreadable" }, "A mail's content could not be opened.");
    const sentence = "The content was sealed under another master key.";
    const attempt = { ...untimed, at: clock(), totalMs: 0, code: "content_unreadable", sentence };
    return { state: "retry", reason: `content_unreadable: ${sentence}`, address: "unknown", attempt };
  }
  const host = parseMailbox(content.from)?.address.split("@")[1] ?? "localhost";
  const at = clock();
  const from = performance.now();
  const result = await smtp.send({
    ...content,
    to: duty.recipient,
    messageId: `<${duty.id}@${host}>`,
    // RFC 3834, section 5; the second is what Exchange reads instead. No "out of office" comes back.
    headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
  });
  const attempt = { ...untimed, at, totalMs: performance.now() - from };
  if (result.ok) return { state: "sent", address: "good", attempt: { ...attempt, code: null, sentence: null } };
  const { code, sentence } = result;
  log.warn({ deliveryId: duty.id, attempt: duty.attempts + 1, code }, "A mail was not sent.");
  return {
    state: result.permanent ? "bounced" : "retry",
    reason: `${code}: ${sentence}`,
    address: serverFaults.has(code) ? "bad" : "unknown",
    attempt: { ...attempt, code, sentence },
  };
}

const untimed = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, status: null, answer: null };

/** Every mail would meet these. */
const serverFaults: ReadonlySet<SendFailure> = new Set<SendFailure>([
  "smtp_sender_refused",
  "smtp_relay_refused",
  "smtp_auth_failed",
  "smtp_tls_failed",
  "smtp_timeout",
  "smtp_unreachable",
]);

function untried(state: "kept" | "dropped", reason: string): Outcome {
  return { state, reason, address: "unknown" };
}

async function itemNow(
  pool: Context["pool"],
  accountId: string,
  itemId: string,
): Promise<{ erased: boolean; state: ItemState } | undefined> {
  const { rows } = await pool.query<{ erased: boolean; state: ItemState }>({
    name: "item_of_mail",
    text: `
      select u.erased_at is not null as erased, i.state
      from item i join customer u on u.account_id = i.account_id and u.id = i.customer_id
      where i.account_id = $1 and i.id = $2`,
    values: [accountId, itemId],
  });
  return rows[0];
}
