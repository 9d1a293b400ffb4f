import { timingSafeEqual } from "node:crypto";
import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Context } from "../context.ts";
import { inTransaction, type Tx } from "../db/transaction.ts";
import { normaliseEmail } from "../domain/email.ts";
import { newToken, sha256 } from "../domain/id.ts";
import { customerChanged } from "../ledger/announce-customers.ts";
import { lockCustomers } from "../ledger/held-rows.ts";
import { addEvents } from "../send/events.ts";
import { ensureSpace } from "../send/retention.ts";
import { findLink, holdsOpen, type Link, type LinkVerdict, verdictOf } from "./link-rows.ts";
import { loginCodeHash } from "./links.ts";

/** `ended`: the link is good, but its customer holds nothing that is open. It is not used up by that. */
export type LoginVerdict = LinkVerdict | "ended";

/** Who has logged in, for the seller's app. */
export type Login = {
  readonly customer: { readonly id: string; readonly email: string; readonly reference: string | null };
  /** the provider's */
  readonly orderId: string;
  readonly productId: string | null;
  readonly mode: Mode;
};

/** What a login link would do. Looking uses nothing up: mail scanners follow every link. */
export async function lookAtLogin(
  { pool, clock }: Pick<Context, "pool" | "clock">,
  token: string,
): Promise<{ readonly link: Link; readonly verdict: LoginVerdict } | null> {
  const link = await findLink(pool, { kind: "login", token });
  return link && { link, verdict: await loginVerdict(pool, link, clock()) };
}

/**
 * Uses a login link, once: its address is confirmed, and it is exchanged for a ticket that the seller's app takes
 * within five minutes.
 * @returns null: no such link; `ticket` where the verdict is good
 */
export async function redeemLogin(
  context: Pick<Context, "pool" | "clock" | "sending">,
  token: string,
): Promise<{ readonly link: Link; readonly verdict: LoginVerdict; readonly ticket?: string } | null> {
  const { pool, clock } = context;
  const found = await findLink(pool, { kind: "login", token });
  if (!found) return null;
  await ensureSpace(pool, clock());
  return inTransaction(pool, async (tx) => {
    const now = clock();
    // The customer before the link, as everywhere.
    await lockCustomers(tx, [found]);
    const link = await findLink(tx, { kind: "login", token }, true);
    if (!link) return null;
    const verdict = await loginVerdict(tx, link, now);
    if (verdict !== "good") return { link, verdict };
    await useUp(context, tx, link, now);
    const ticket = newToken();
    await tx.query(
      "insert into ticket (account_id, hash, link_id, created_at, expires_at) values ($1, $2, $3, $4, $5)",
      [link.accountId, sha256(ticket), link.id, new Date(now), new Date(now + ticketMs)],
    );
    return { link, verdict, ticket };
  });
}

type Exchange = { readonly accountId: string; readonly mode: Mode };

/** @returns `other_mode`: the ticket is good, but of the other mode, and is not used up */
export async function exchangeTicket(
  { pool, clock }: Pick<Context, "pool" | "clock">,
  { accountId, mode, ticket }: Exchange & { readonly ticket: string },
): Promise<Login | "invalid" | "other_mode"> {
  return inTransaction(pool, async (tx) => {
    const now = clock();
    const { rows } = await tx.query<{ link_id: string }>(
      `select link_id from ticket where account_id = $1 and hash = $2 and used_at is null and expires_at > $3 for update`,
      [accountId, sha256(ticket), new Date(now)],
    );
    const link = rows[0] ? await findLink(tx, { accountId, id: rows[0].link_id }) : null;
    if (!link) return "invalid";
    if (link.mode !== mode) return "other_mode";
    await tx.query("update ticket set used_at = $3 where account_id = $1 and hash = $2", [
      accountId,
      sha256(ticket),
      new Date(now),
    ]);
    return loginOf(tx, link);
  });
}

/**
 * The second way in: the code of the mail, typed by hand. After five wrong tries the codes of an address are dead;
 * its links, which cannot be guessed, are not.
 */
export async function exchangeCode(
  context: Pick<Context, "pool" | "clock" | "seal" | "sending">,
  { accountId, mode, email: given, code }: Exchange & { readonly email: string; readonly code: string },
): Promise<Login | "invalid" | "ended"> {
  const email = normaliseEmail(given);
  const right = loginCodeHash(context, accountId, email, code);
  await ensureSpace(context.pool, context.clock());
  return inTransaction(context.pool, async (tx) => {
    const now = context.clock();
    const of = [accountId, mode, email, new Date(now), codeTries];
    const { rows: customers } = await tx.query<{ accountId: string; customerId: string }>(
      `select distinct account_id as "accountId", customer_id as "customerId" from link where ${liveCodes}`,
      of,
    );
    await lockCustomers(tx, customers);
    const { rows } = await tx.query<{ id: string; code_hash: Buffer }>(
      `select id, code_hash from link where ${liveCodes} order by id for update`,
      of,
    );
    const matching = rows.filter((row) => timingSafeEqual(row.code_hash, right)).at(-1);
    if (!matching) {
      await tx.query("update link set tries = tries + 1 where account_id = $1 and id = any($2)", [
        accountId,
        rows.map((row) => row.id),
      ]);
      return "invalid";
    }
    const link = await findLink(tx, { accountId, id: matching.id });
    if (!link) return "invalid";
    if (!(await holdsOpen(tx, link, now))) return "ended";
    await useUp(context, tx, link, now);
    return loginOf(tx, link);
  });
}

const codeTries = 5;
const ticketMs = 5 * 60_000;

const liveCodes = `account_id = $1 and mode = $2 and email = $3 and kind = 'login' and code_hash is not null
  and used_at is null and revoked_at is null and expires_at > $4 and tries < $5`;

async function loginVerdict(tx: Pick<Tx, "query">, link: Link, now: Instant): Promise<LoginVerdict> {
  const verdict = verdictOf(link, now);
  return verdict === "good" && !(await holdsOpen(tx, link, now)) ? "ended" : verdict;
}

/**
 * Whoever opened the mail owns the address: it is confirmed, and becomes the customer's where it was nobody's.
 * Where it is another customer's, nothing is merged.
 * Source: docs/rules.md, R17
 */
async function useUp(context: Pick<Context, "clock" | "sending">, tx: Tx, link: Link, now: Instant): Promise<void> {
  await tx.query("update link set used_at = $3 where account_id = $1 and id = $2", [
    link.accountId,
    link.id,
    new Date(now),
  ]);
  const { rows } = await tx.query<{ added: boolean }>(
    `insert into customer_email (account_id, mode, email, customer_id, added_at, confirmed_at)
     values ($1, $2, $3, $4, $5, $5)
     on conflict (account_id, mode, email) do update
       set confirmed_at = coalesce(customer_email.confirmed_at, excluded.confirmed_at)
       where customer_email.customer_id = excluded.customer_id
     returning xmax = 0 as added`,
    [link.accountId, link.mode, link.email, link.customerId, new Date(now)],
  );
  const { accountId, mode, customerId, email } = link;
  const changed = customerChanged({
    accountId,
    mode,
    customerId,
    at: now,
    email,
    orderId: null,
    previousCustomerId: null,
  });
  if (rows.some(({ added }) => added)) await addEvents(context, tx, [changed]);
}

async function loginOf(tx: Tx, link: Link): Promise<Login> {
  const { rows } = await tx.query<{ reference: string | null }>(
    "select reference from customer where account_id = $1 and id = $2",
    [link.accountId, link.customerId],
  );
  return {
    customer: { id: link.customerId, email: link.email, reference: rows[0]?.reference ?? null },
    orderId: link.orderId,
    productId: link.product?.id ?? null,
    mode: link.mode,
  };
}
