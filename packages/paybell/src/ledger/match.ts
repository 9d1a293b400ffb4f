import type { PoolClient } from "pg";
import { transpose } from "../db/rows.ts";
import { idTime } from "../domain/id.ts";
import { type Named, opens, type StoredNotification } from "../record/stored.ts";
import { type KeptRow, keptById, readAgain } from "../record/stored-rows.ts";

/** Notifications by whether it is known which order they speak of. */
export type Matched = {
  readonly named: readonly Named[];
  /** of orders nobody has told of yet: kept, and matched as soon as somebody does */
  readonly unmatched: readonly StoredNotification[];
};

/**
 * Providers speak of one order by several ids: a refund names the payment, a renewal the subscription. Whatever message
 * carries two of them ties them together, in whichever order they come; what arrives too early waits for it.
 * @param batch with every mode decided
 * @returns all of them, and those that had been waiting for what this batch says
 */
export async function matchOrders(tx: PoolClient, batch: readonly StoredNotification[]): Promise<Matched> {
  const clear = batch.filter(isNamed).filter((one) => aliasesOf(one).length === 0 && one.reading.buyer !== undefined);
  if (clear.length === batch.length) return { named: clear, unmatched: [] };
  let all = batch;
  for (;;) {
    const names = [...new Map(all.flatMap(namesOf).map((name) => [nameKey(name), name])).values()];
    if (names.length > 0) await lockNames(tx, names);
    const matched = tie(all, names.length === 0 ? new Map() : await knownNames(tx, names));
    const ids = all.map((one) => one.id);
    const woken = names.length === 0 ? [] : await wake(tx, names, ids);
    if (woken.length === 0) return settle(tx, matched);
    all = [...all, ...woken];
  }
}

type Name = Pick<StoredNotification, "accountId" | "protocol" | "providerAccount" | "mode"> & {
  readonly alias: string;
};

type Tied = Matched & { readonly orders: ReadonlyMap<string, { readonly name: Name; readonly orderId: string }> };

/** Ids and orders are names of one kind: an order's own id may be another message's alias. */
function namesOf(one: StoredNotification): Name[] {
  const { accountId, protocol, providerAccount, mode } = one;
  const own = one.orderId === undefined ? [] : [one.orderId];
  return [...own, ...aliasesOf(one)].map((alias) => ({ accountId, protocol, providerAccount, mode, alias }));
}

function aliasesOf(one: StoredNotification): readonly string[] {
  return one.reading.aliases ?? [];
}

function isNamed(one: StoredNotification): one is Named {
  return one.orderId !== undefined;
}

function nameKey({ accountId, protocol, providerAccount, mode, alias }: Name): string {
  return JSON.stringify([accountId, protocol, providerAccount, mode, alias]);
}

/** Who adds a name and who misses it must not pass each other unseen. In one order, so that nobody waits in a circle. */
async function lockNames(tx: PoolClient, names: readonly Name[]): Promise<void> {
  await tx.query({
    name: "lock_order_names",
    text: "select pg_advisory_xact_lock(hashtextextended('order ' || name, 0)) from unnest($1::text[]) as t (name)",
    values: [names.map(nameKey).toSorted()],
  });
}

/** @returns the provider's order id for each name that is known */
async function knownNames(tx: PoolClient, names: readonly Name[]): Promise<Map<string, string>> {
  const { rows } = await tx.query<{ position: number; order_id: string }>({
    name: "known_order_names",
    text: `
      select t.position::int as position, coalesce(a.order_id, o.order_id) as order_id
      from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) with ordinality
        as t (account_id, protocol, provider_account, mode, alias, position)
      left join order_alias a on a.account_id = t.account_id and a.protocol = t.protocol
        and a.provider_account = t.provider_account and a.mode = t.mode and a.alias = t.alias
      left join orders o on o.account_id = t.account_id and o.protocol = t.protocol
        and o.provider_account = t.provider_account and o.mode = t.mode and o.order_id = t.alias
      where a.order_id is not null or o.order_id is not null`,
    values: columnsOf(names),
  });
  return new Map(rows.map((row) => [nameKey(names[row.position - 1]!), row.order_id]));
}

/** Until no message tells anything new. */
function tie(all: readonly StoredNotification[], known: ReadonlyMap<string, string>): Tied {
  const orderOf = new Map(known);
  const added = new Map<string, { name: Name; orderId: string }>();
  const named = new Map<StoredNotification, Named>();
  // One that says whose order it is opens it; what else speaks of it by its id alone waits for that.
  const opened = new Set(known.values());
  const pass = () => {
    let changed = false;
    for (const one of all) {
      if (named.has(one)) continue;
      const names = namesOf(one);
      const orderId = names.map((name) => orderOf.get(nameKey(name))).find((id) => id !== undefined) ?? one.orderId;
      if (orderId === undefined) continue;
      const next = { ...one, orderId };
      if (opens(next)) opened.add(orderId);
      // What says nothing and ties nothing together has no order to wait for.
      else if (!opened.has(orderId) && (one.reading.facts.length > 0 || aliasesOf(one).length > 0)) continue;
      for (const name of names) {
        if (orderOf.has(nameKey(name))) continue;
        orderOf.set(nameKey(name), orderId);
        added.set(nameKey(name), { name, orderId });
      }
      named.set(one, next);
      changed = true;
    }
    return changed;
  };
  while (pass());
  return {
    named: all.flatMap((one) => named.get(one) ?? []),
    unmatched: all.filter((one) => !named.has(one)),
    orders: added,
  };
}

/** What waits for one of these names. */
async function wake(tx: PoolClient, names: readonly Name[], besides: readonly string[]): Promise<StoredNotification[]> {
  const { rows } = await tx.query<{ account_id: string; notification_id: string; mode: KeptRow["mode"] }>({
    name: "wake_unmatched",
    text: `
      delete from unmatched u
      using unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) as t (account_id, protocol, provider_account, mode, alias)
      where u.account_id = t.account_id and u.protocol = t.protocol and u.provider_account = t.provider_account
        and u.mode = t.mode and u.alias = t.alias
      returning u.account_id, u.notification_id, u.mode`,
    values: columnsOf(names),
  });
  const woken: StoredNotification[] = [];
  for (const row of new Map(rows.map((one) => [one.notification_id, one])).values()) {
    if (besides.includes(row.notification_id)) continue;
    for (const kept of await keptById(tx, row.account_id, [row.notification_id]))
      woken.push(...[readAgain(kept)].flatMap((one) => one ?? []));
  }
  return woken;
}

async function settle(tx: PoolClient, { named, unmatched, orders }: Tied): Promise<Matched> {
  const added = [...orders.values()].filter(({ name, orderId }) => name.alias !== orderId);
  if (added.length > 0) {
    await tx.query({
      name: "add_order_names",
      text: `
        insert into order_alias (account_id, protocol, provider_account, mode, alias, order_id)
        select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
        on conflict do nothing`,
      values: [...columnsOf(added.map(({ name }) => name)), added.map(({ orderId }) => orderId)],
    });
  }
  await noteOrders(
    tx,
    named.filter((one) => one.reading.orderId !== one.orderId),
  );
  const wanted = unmatched.flatMap((one) => namesOf(one).map((name) => ({ name, id: one.id })));
  if (wanted.length > 0) {
    await tx.query({
      name: "add_unmatched",
      text: `
        insert into unmatched (account_id, protocol, provider_account, mode, alias, notification_id)
        select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[])
        on conflict do nothing`,
      values: [...columnsOf(wanted.map(({ name }) => name)), wanted.map(({ id }) => id)],
    });
  }
  return { named, unmatched };
}

/** So that they are found by their order, and erased with it. */
async function noteOrders(tx: PoolClient, named: readonly Named[]): Promise<void> {
  if (named.length === 0) return;
  await tx.query({
    name: "note_orders",
    text: `
      update notification n set order_id = t.order_id
      from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[]) as t (account_id, id, received_at, order_id)
      where n.account_id = t.account_id and n.id = t.id and n.received_at = t.received_at
        and n.order_id is distinct from t.order_id`,
    values: transpose(named.map((one) => [one.accountId, one.id, new Date(idTime(one.id)), one.orderId])),
  });
}

function columnsOf(names: readonly Name[]): unknown[][] {
  return transpose(names.map((one) => [one.accountId, one.protocol, one.providerAccount, one.mode, one.alias]));
}
