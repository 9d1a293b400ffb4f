import type { Instant } from "@paybell/protocols/domain/day";
import type { Context } from "../context.ts";
import { isDataFault } from "../db/pool.ts";
import { transpose } from "../db/rows.ts";
import { inTransaction, type Tx } from "../db/transaction.ts";
import { sha256 } from "../domain/id.ts";
import {
  type Announcement,
  type DeliveryRow,
  offered,
  print,
  printedRow,
  printedTypes,
  type Printed,
  written,
  writtenRows,
} from "./events.ts";
import type { Offered } from "./lanes.ts";
import { ensureSpace } from "./retention.ts";

/** An event somebody publishes here, under a key of theirs where they may repeat themselves. */
export type Publishing = Announcement & { readonly key: string | null };

/** `repeated`: it was published before, under the same key. */
export type Published =
  | { readonly ok: true; readonly eventId: string; readonly repeated: boolean }
  | { readonly ok: false; readonly code: "idempotency_key_reused" };

export type Publisher = {
  /** resolves when events and deliveries are durable, in the order given; rejects when they could not be stored */
  publish(events: readonly Publishing[]): Promise<Published[]>;
};

/**
 * Group commit: what is published while a commit is in flight shares the next one. Events, their deliveries and their
 * keys are one statement.
 * @param offer told of deliveries that were just committed
 */
export function createPublisher(
  context: Pick<Context, "pool" | "clock" | "sending">,
  offer: (offered: readonly Offered[]) => void,
): Publisher {
  let waiting: Waiting[] = [];
  let isCommitting = false;

  return {
    publish: (events) =>
      new Promise((resolve, reject) => {
        if (events.length === 0) return resolve([]);
        waiting.push({ events, resolve, reject });
        if (!isCommitting) void drain();
      }),
  };

  async function drain(): Promise<void> {
    isCommitting = true;
    while (waiting.length > 0) await commit(take());
    isCommitting = false;
  }

  async function commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const now = context.clock();
      await ensureSpace(context.pool, now);
      const results = await store(
        context,
        batch.flatMap((one) => one.events),
        now,
        offer,
      );
      let from = 0;
      for (const one of batch) {
        const own = results.slice(from, (from += one.events.length)).flatMap((result) => result ?? []);
        if (own.length === one.events.length) one.resolve(own);
        else one.reject(new Error("An event was published for an account that is not there."));
      }
    } catch (error) {
      // What one of them holds cannot be stored: the others came to share its commit by chance.
      if (batch.length > 1 && isDataFault(error)) for (const one of batch) await commit([one]);
      else for (const one of batch) one.reject(error);
    }
  }

  function take(): Waiting[] {
    let count = 0;
    const end = waiting.findIndex((one) => (count += one.events.length) > maxBatch);
    const batch = end === -1 ? waiting : waiting.slice(0, Math.max(1, end));
    waiting = waiting.slice(batch.length);
    return batch;
  }
}

type Waiting = {
  readonly events: readonly Publishing[];
  resolve(published: Published[]): void;
  reject(error: unknown): void;
};

const maxBatch = 1000;

/** @returns undefined: there is no such account */
async function store(
  { pool, sending }: Pick<Context, "pool" | "sending">,
  events: readonly Publishing[],
  now: Instant,
  offer: (offered: readonly Offered[]) => void,
): Promise<(Published | undefined)[]> {
  // Copies within one batch are one; in order of their keys, so that two batches never wait for each other.
  const first = new Map<string, Entry>();
  const entries = events.map((event, index): Entry => {
    const printed = print(event, now);
    const name = event.key === null ? `${index}` : `${event.accountId} ${event.mode} ${event.key}`;
    const entry = { name, key: event.key, digest: sha256(`${event.type} ${printed.data}`), printed };
    if (!first.has(name)) first.set(name, entry);
    return entry;
  });
  const distinct = [...first.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const ids = await write(pool, distinct, now, offer);
  sending.announced(distinct.flatMap(({ printed }) => (ids.has(printed.id) ? [printed.accountId] : [])));
  const missing = distinct.filter((entry) => !ids.has(entry.printed.id));
  const before = missing.length === 0 ? new Map<string, Known>() : await earlier(pool, missing, now);
  return entries.map((entry): Published | undefined => {
    const known = before.get(entry.name);
    const own = first.get(entry.name)!;
    if (!known && !ids.has(own.printed.id)) return undefined;
    if (!(known?.digest ?? own.digest).equals(entry.digest)) return { ok: false, code: "idempotency_key_reused" };
    return { ok: true, eventId: known?.event_id ?? own.printed.id, repeated: known !== undefined || own !== entry };
  });
}

type Entry = { readonly name: string; readonly key: string | null; readonly digest: Buffer; readonly printed: Printed };

/** @returns ids of the events that are new */
async function write(
  pool: Context["pool"],
  entries: readonly Entry[],
  now: Instant,
  offer: (offered: readonly Offered[]) => void,
): Promise<Set<string>> {
  const query = {
    name: "publish_events",
    text: `
      with given as (
        select t.* from unnest(${[...printedTypes, "text", "bytea"].map((type, index) => `$${index + 4}::${type}[]`).join(", ")})
          as t (account_id, id, mode, type, at, order_key, about, data, key, digest) join account a on a.id = t.account_id
      ), claimed as (
        insert into publication (account_id, mode, key, month, published_at, digest, event_id)
        select account_id, mode, key, $2, $1, digest, id from given g
        where key is not null and not exists (
          select 1 from publication p where p.account_id = g.account_id and p.mode = g.mode and p.key = g.key and p.month >= $3 and p.month <> $2)
        on conflict do nothing
        returning event_id
      ), fresh as (
        select g.* from given g left join claimed c on c.event_id = g.id where g.key is null or c.event_id is not null
      ), ${written("fresh")}, rows as (${writtenRows})
      select f.id as fresh_id, r.* from fresh f left join rows r on r.event_id = f.id`,
    values: [
      new Date(now),
      new Date(monthOf(now, 0)),
      new Date(monthOf(now, -oldestMonths)),
      ...transpose(entries.map((entry) => [...printedRow(entry.printed), entry.key, entry.digest])),
    ],
  };
  const run = (on: Pick<Tx, "query">) => on.query<DeliveryRow & { fresh_id: string }>(query);
  const { rows } = isAtTurnOfMonth(now)
    ? await inTransaction(pool, async (tx) => {
        // A key is unique within a month; where two months meet, nodes take turns.
        await tx.query("select pg_advisory_xact_lock(hashtext('paybell.publication'))");
        return run(tx);
      })
    : await run(pool);
  offer(
    offered(
      rows.filter((row) => row.id !== null),
      entries.map((entry) => entry.printed),
    ),
  );
  return new Set(rows.map((row) => row.fresh_id));
}

type Known = { readonly event_id: string; readonly digest: Buffer };

async function earlier(pool: Context["pool"], entries: readonly Entry[], now: Instant): Promise<Map<string, Known>> {
  const { rows } = await pool.query<Known & { account_id: string; mode: string; key: string }>({
    name: "earlier_publications",
    text: `
      select p.account_id, p.mode, p.key, p.event_id, p.digest
      from unnest($1::uuid[], $2::text[], $3::text[]) as t (account_id, mode, key)
      join publication p on p.account_id = t.account_id and p.mode = t.mode and p.key = t.key and p.month >= $4`,
    values: [
      ...transpose(entries.map((entry) => [entry.printed.accountId, entry.printed.mode, entry.key])),
      new Date(monthOf(now, -oldestMonths)),
    ],
  });
  return new Map(rows.map((row) => [`${row.account_id} ${row.mode} ${row.key}`, row]));
}

/** A key is good for at least 30 days, on the first of March too. */
const oldestMonths = 2;

/** The first instant of a month, in UTC. */
export function monthOf(at: Instant, offset: number): Instant {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1);
}

/** Clocks of nodes may differ by as much. */
const turnMs = 10_000;

function isAtTurnOfMonth(now: Instant): boolean {
  return now - monthOf(now, 0) < turnMs || monthOf(now, 1) - now < turnMs;
}
