import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { afterCommit, inTransaction, type Tx } from "../db/transaction.ts";
import { sealedMailFor } from "../domain/mail.ts";
import { redactKept } from "../record/redact.ts";
import type { House } from "../house.ts";
import { customerErased } from "../ledger/announce-customers.ts";
import { addEvents } from "../send/events.ts";
import { ensureSpace } from "../send/retention.ts";
import { sealedAnswer } from "./idempotency.ts";

/**
 * Takes a person out of everything we keep; amounts, dates, order numbers and keys stay. Later notifications for
 * the orders are booked and do not bring the person back. Erasing twice changes nothing the second time.
 * Source: docs/rules.md, R20
 */
export async function eraseCustomer(
  house: Pick<House, "pool" | "seal" | "clock" | "sending">,
  accountId: string,
  customerId: string,
  now: Instant,
): Promise<void> {
  await ensureSpace(house.pool, now);
  await inTransaction(house.pool, async (tx) => {
    const of: Of = [accountId, customerId];
    const orders = await lockOrders(tx, of);
    const emails = await emailsOf(tx, of);
    await forgetTexts(house.seal, tx, of, emails, now);
    const told = [...(await redactEvents(tx, of, orders, emails)), ...(await redactAlarms(tx, accountId, orders))];
    const { rows: erased } = await tx.query<{ mode: Mode; first: boolean }>(
      `update customer c set erased_at = coalesce(c.erased_at, $3), reference = null, first_name = null, last_name = null,
         country = null, language = null
       from (select erased_at is null as first from customer where account_id = $1 and id = $2) b
       where c.account_id = $1 and c.id = $2
       returning c.mode, b.first`,
      [...of, new Date(now)],
    );
    await redactNotifications(tx, of, now);
    await tx.query(
      "update orders set email = '', contact_email = '', buyer = '{}' where account_id = $1 and customer_id = $2",
      of,
    );
    await tx.query("delete from customer_email where account_id = $1 and customer_id = $2", of);
    await tx.query(`delete from delivery where account_id = $1 and item_id in (${itemIds})`, of);
    await tx.query(`delete from shown where account_id = $1 and item_id in (${itemIds})`, of);
    await tx.query(`delete from link where account_id = $1 and (customer_id = $2 or item_id in (${itemIds}))`, of);
    await tx.query(
      `update fact set body = body || '{"email": ""}' where account_id = $1 and kind = 'contact_changed' and item_id in (${itemIds})`,
      of,
    );
    // People name their machines after themselves.
    await tx.query(
      `update activation set name = null where account_id = $1 and licence_id in (
         select id from licence where account_id = $1 and item_id in (${itemIds}))`,
      of,
    );
    await addEvents(
      house,
      tx,
      erased.filter(({ first }) => first).map(({ mode }) => customerErased({ accountId, mode, customerId, at: now })),
    );
    // Last, as results wait for the lanes it changes.
    await forgetAnswers(house, tx, accountId, told);
  });
}

type Of = [accountId: string, customerId: string];

const itemIds = "select id from item where account_id = $1 and customer_id = $2";

/** Orders first, then the customer, in the order in which the ledger locks. @returns the provider's order numbers */
async function lockOrders(tx: Tx, of: Of): Promise<string[]> {
  const { rows } = await tx.query<{ order_id: string }>(
    `select order_id from orders where account_id = $1 and customer_id = $2
     order by account_id, protocol, provider_account, mode, order_id for update`,
    of,
  );
  await tx.query("select id from customer where account_id = $1 and id = $2 for update", of);
  return rows.map((row) => row.order_id);
}

/** Every address we know the person by, in lower case. */
async function emailsOf(tx: Tx, of: Of): Promise<string[]> {
  const { rows } = await tx.query<{ email: string }>(
    `select email from customer_email where account_id = $1 and customer_id = $2
     union select unnest(array[lower(email), lower(contact_email)]) from orders where account_id = $1 and customer_id = $2`,
    of,
  );
  return rows.map(({ email }) => email).filter((email) => email !== "");
}

/**
 * What was announced of the person, also as the customer their orders belonged to before, or published here under one of
 * the addresses. What is still on its way goes out as it then stands.
 * @returns the events' ids
 */
async function redactEvents(
  tx: Tx,
  [accountId, customerId]: Of,
  orders: readonly string[],
  emails: readonly string[],
): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `with own as (
       select id, expires_at, about from event where account_id = $1 and order_key = any($3)
     ), found as (
       select id, expires_at from own
       union
       select id, expires_at from event where account_id = $1 and about = any($2 || array(select about from own where about is not null))
     )
     update event e set about = coalesce(e.data ->> 'customer_id', $4), data = (e.data::jsonb || (
         select coalesce(jsonb_object_agg(p.key, p.value), '{}') from jsonb_each($6::jsonb) p where e.data::jsonb ? p.key))::json
     from found f
     where e.account_id = $1 and e.id = f.id and e.expires_at = f.expires_at
       and (e.data ->> 'customer_id' = $4 or lower(e.data ->> 'email') = any($5) or lower(e.data -> 'buyer' ->> 'email') = any($5))
     returning e.id`,
    [accountId, [customerId, ...emails], [customerId, ...orders], customerId, emails, JSON.stringify(nobody)],
  );
  return rows.map(({ id }) => id);
}

/** @returns ids of the events that told of them */
async function redactAlarms(tx: Tx, accountId: string, orders: readonly string[]): Promise<string[]> {
  const { rows: alarms } = await tx.query<{ id: string }>(
    `update alarm set data = data - '{email,address,reason}'::text[]
     where account_id = $1 and kind = 'mail_bounced' and data ->> 'order_id' = any($2) returning id`,
    [accountId, orders],
  );
  const { rows } = await tx.query<{ id: string }>(
    `update event set data = jsonb_set(data::jsonb, '{data}', (data::jsonb -> 'data') - '{email,address,reason}'::text[])::json
     where account_id = $1 and about = any($2) returning id`,
    [accountId, alarms.map(({ id }) => id)],
  );
  return rows.map(({ id }) => id);
}

/**
 * What addresses answered to events can repeat what these said. Whoever holds what is still due of them in memory reads
 * it again; so with the account's mails.
 */
async function forgetAnswers(
  { sending }: Pick<House, "sending">,
  tx: Tx,
  accountId: string,
  eventIds: readonly string[],
): Promise<void> {
  const { rows: deliveries } = await tx.query<{ id: string; lane_id: string; state: string }>(
    "select id, lane_id, state from delivery where account_id = $1 and event_id = any($2)",
    [accountId, eventIds],
  );
  await tx.query(
    "update attempt set answer = null where account_id = $1 and delivery_id = any($2) and answer is not null",
    [accountId, deliveries.map(({ id }) => id)],
  );
  const due = deliveries.filter(({ state }) => state === "due").map((one) => one.lane_id);
  const { rows: lanes } = await tx.query<{ id: string }>(
    "update lane set version = version + 1 where account_id = $1 and id = any($2) returning id",
    [accountId, [accountId, ...new Set(due)]],
  );
  afterCommit(tx, () => sending.look(lanes.map(({ id }) => id)));
}

/** What events say of a person, and what they say of nobody. A machine is named after its owner. */
const nobody = {
  email: null,
  buyer: { email: "" },
  reference: null,
  first_name: null,
  last_name: null,
  country: null,
  language: null,
  name: null,
};

/**
 * Sealed texts that are found by nothing but what they say: kept answers to requests, which could be shown again
 * for 30 days, and mails to the operator.
 */
async function forgetTexts(
  seal: House["seal"],
  tx: Tx,
  of: Of,
  emails: readonly string[],
  now: Instant,
): Promise<void> {
  const [accountId, customerId] = of;
  const names = [customerId, ...emails];
  await redactUnread(
    tx,
    of,
    emails.filter((name) => name.includes("@")),
    now,
  );
  const speaks = (sealed: Buffer, about: string) => {
    const text = seal.open(sealed, about).toLowerCase();
    return names.some((name) => text.includes(name));
  };
  const { rows: answers } = await tx.query<{ key: string; response: Buffer }>(
    "select key, response from idempotency where account_id = $1 and response is not null",
    [accountId],
  );
  await tx.query("delete from idempotency where account_id = $1 and key = any($2)", [
    accountId,
    answers.filter(({ key, response }) => speaks(response, sealedAnswer(accountId, key))).map(({ key }) => key),
  ]);
  const { rows: alarmMails } = await tx.query<{ id: string; sealed: Buffer }>(
    "select id, sealed from delivery where account_id = $1 and kind = 'alarm' and item_id is null",
    [accountId],
  );
  await tx.query("delete from delivery where account_id = $1 and id = any($2)", [
    accountId,
    alarmMails.filter(({ id, sealed }) => speaks(sealed, sealedMailFor(id))).map(({ id }) => id),
  ]);
}

/** What could not be verified or read belongs to no order; it is found by what it says. */
async function redactUnread(tx: Tx, [accountId]: Of, names: readonly string[], now: Instant): Promise<void> {
  const speaks = (body: Buffer) => {
    const text = body.toString("utf8").toLowerCase();
    return names.some((name) => text.includes(name));
  };
  const { rows: refused } = await tx.query<{ id: string; body: Buffer }>(
    "select id, body from refusal where account_id = $1",
    [accountId],
  );
  await tx.query("delete from refusal where account_id = $1 and id = any($2)", [
    accountId,
    refused.filter(({ body }) => speaks(body)).map(({ id }) => id),
  ]);
  // Page by page: a provider may send much that says nothing.
  for (let after: string | null = null; ; ) {
    const { rows: page }: { rows: { id: string; body: Buffer }[] } = await tx.query(
      `select id, body from notification
       where account_id = $1 and ($2::uuid is null or id > $2) and redacted_at is null
         and (state = 'unverified' or (state = 'waiting' and (event = '' or reason = 'order_unknown'))
              or (state = 'ignored' and order_id is null))
       order by id limit 500`,
      [accountId, after],
    );
    const own = page.filter(({ body }) => speaks(body)).map(({ id }) => id);
    await redactKept(tx, accountId, own, now);
    if (page.length < 500) return;
    after = page.at(-1)!.id;
  }
}

/** Those the facts came from, and those that named an order without saying anything to act on. */
async function redactNotifications(tx: Tx, of: Of, now: Instant): Promise<void> {
  const { rows } = await tx.query<{ id: string }>(
    `
    select n.id from notification n
    where n.account_id = $1 and n.redacted_at is null and (
      n.id in (select f.notification_id from fact f where f.account_id = $1 and f.item_id in (${itemIds}))
      or (n.protocol, n.provider_account, n.mode, n.order_id) in (
        select protocol, provider_account, mode, order_id from orders where account_id = $1 and customer_id = $2))`,
    of,
  );
  const ids = rows.map(({ id }) => id);
  await redactKept(tx, of[0], ids, now);
}
