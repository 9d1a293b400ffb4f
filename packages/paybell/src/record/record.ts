import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Pool } from "pg";
import { ensurePartitions } from "../db/partitions.ts";
import { transpose } from "../db/rows.ts";
import { idTime, newId, sha256 } from "../domain/id.ts";

/** A notification on its way into the record. */
export type Arrived = {
  readonly accountId: string;
  readonly connectionId: string;
  readonly protocol: string;
  readonly providerAccount: string;
  readonly mode: Mode;
  readonly receivedAt: Instant;
  readonly event: string;
  readonly orderId: string | null;
  /** unverified: the provider has to be asked first; waiting: it cannot be acted on */
  readonly state: "stored" | "unverified" | "waiting";
  /** why it waits */
  readonly reason?: string;
  /** the same bytes again may say something new: each arrival is a notification of its own */
  readonly isNews: boolean;
  /** JSON, names and values in order of arrival */
  readonly headers: string;
  readonly body: Uint8Array;
};

/** `fresh`: the first arrival of these bytes on this connection. */
export type Recorded = { readonly id: string; readonly fresh: boolean };

export type Recorder = {
  /** resolves when the notification is durable; rejects when it could not be stored */
  record(arrived: Arrived): Promise<Recorded>;
};

/**
 * Group commit: what arrives while a commit is in flight shares the next one. One statement, one commit,
 * one fsync for all of them; each is answered only after it.
 */
export function createRecorder(pool: Pool): Recorder {
  let waiting: Waiting[] = [];
  let inFlight = 0;

  return {
    record: (arrived) =>
      new Promise((resolve, reject) => {
        waiting.push({ arrived, digest: digestOf(arrived), resolve, reject });
        if (inFlight < lanes) void drain();
      }),
  };

  async function drain(): Promise<void> {
    inFlight++;
    while (waiting.length > 0) {
      const batch = take();
      try {
        const recorded = await store(pool, batch);
        for (const [index, one] of batch.entries()) one.resolve(recorded[index]!);
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    inFlight--;
  }

  function take(): Waiting[] {
    let bytes = 0;
    const end = waiting.findIndex((one, index) => index >= maxBatch || (bytes += one.arrived.body.length) > maxBytes);
    const batch = end === -1 ? waiting : waiting.slice(0, Math.max(1, end));
    waiting = waiting.slice(batch.length);
    return batch;
  }
}

function digestOf({ body, isNews, receivedAt }: Arrived): Buffer {
  return isNews ? sha256(newId(receivedAt)) : sha256(body);
}

type Waiting = {
  readonly arrived: Arrived;
  readonly digest: Buffer;
  resolve(recorded: Recorded): void;
  reject(error: unknown): void;
};

/** A second commit may start while the first waits for the disk. */
const lanes = 2;
const maxBatch = 500;
const maxBytes = 8 * 1024 * 1024;

async function store(pool: Pool, batch: readonly Waiting[]): Promise<Recorded[]> {
  await ensurePartitions(
    pool,
    "notification",
    batch.map(({ arrived }) => arrived.receivedAt),
  );
  // Copies within one batch count as arrivals of the first.
  const first = new Map<string, { one: Waiting; id: string; arrivals: number; lastAt: Instant }>();
  const keys = batch.map((one) => {
    const key = `${one.arrived.connectionId}${one.digest.toString("hex")}`;
    const known = first.get(key);
    if (known) {
      known.arrivals++;
      known.lastAt = Math.max(known.lastAt, one.arrived.receivedAt);
    } else {
      first.set(key, { one, id: newId(one.arrived.receivedAt), arrivals: 1, lastAt: one.arrived.receivedAt });
    }
    return key;
  });
  const rows = [...first].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  const { rows: kept } = await pool.query<{ connection_id: string; digest: Buffer; notification_id: string }>({
    name: "record_notifications",
    text: `
      with arrived as (
        select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[],
                             $9::text[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::bytea[], $15::int[], $16::timestamptz[])
          as t (account_id, id, connection_id, received_at, protocol, provider_account, mode, event,
                order_id, state, reason, headers, body, digest, arrivals, last_at)
      ), seen as (
        insert into arrival (account_id, connection_id, digest, notification_id, arrivals, last_at)
        select account_id, connection_id, digest, id, arrivals, last_at from arrived
        on conflict (account_id, connection_id, digest) do update
          set arrivals = arrival.arrivals + excluded.arrivals, last_at = greatest(arrival.last_at, excluded.last_at)
        returning connection_id, digest, notification_id
      ), added as (
        insert into notification (account_id, id, received_at, connection_id, protocol, provider_account, mode, event,
                                  order_id, state, reason, headers, body, check_at)
        select a.account_id, a.id, a.received_at, a.connection_id, a.protocol, a.provider_account, a.mode, a.event,
               a.order_id, a.state, a.reason, a.headers, a.body, case when a.state = 'unverified' then a.received_at end
        from arrived a join seen s on s.notification_id = a.id
      )
      select connection_id, digest, notification_id from seen`,
    values: transpose(
      rows.map(({ one: { arrived, digest }, id, arrivals, lastAt }) => [
        arrived.accountId,
        id,
        arrived.connectionId,
        new Date(idTime(id)),
        arrived.protocol,
        arrived.providerAccount,
        arrived.mode,
        arrived.event,
        arrived.orderId,
        arrived.state,
        arrived.reason ?? null,
        arrived.headers,
        arrived.body,
        digest,
        arrivals,
        new Date(lastAt),
      ]),
    ),
  });
  const ids = new Map(kept.map((row) => [`${row.connection_id}${row.digest.toString("hex")}`, row.notification_id]));
  const answered = new Set<string>();
  return keys.map((key) => {
    const id = ids.get(key)!;
    const fresh = first.get(key)!.id === id && !answered.has(key);
    answered.add(key);
    return { id, fresh };
  });
}
