import { setTimeout as delay } from "node:timers/promises";
import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool } from "pg";
import { inTime, isDataFault } from "../db/pool.ts";
import { transpose } from "../db/rows.ts";
import { inTransaction, type Tx } from "../db/transaction.ts";
import { attemptColumns, attemptRow, attemptTypes } from "./attempt-rows.ts";
import type { Health } from "./health.ts";
import type { AttemptRecord, Duty } from "./outcome.ts";
import { ensureSpace } from "./retention.ts";

/** What became of one try, on its way into the store. */
export type Result = {
  readonly duty: Duty;
  readonly state: "sent" | "due" | "kept" | "failed" | "bounced" | "dropped";
  readonly reason: string | null;
  readonly at: Instant;
  /** of what is tried again */
  readonly dueAt: Instant | null;
  /** null: nobody was spoken to */
  readonly attempt: AttemptRecord | null;
  /** how the address does after this; null: as before */
  readonly health: Health | null;
};

export type Results = {
  /**
   * resolves when it is written; until then it is tried again and again
   * @param holder who held the lane; its word on the address counts as long as nobody else holds it …
   * @param version … and the address is still the one it spoke of
   */
  write(result: Result, holder: string, version: number): Promise<void>;
  /** what could not be written is not tried again: others will send it once more */
  stop(): void;
};

/**
 * Writes what became of deliveries, many in one statement: what ends while one is on its way shares the next.
 * @param node what attempts are signed with
 * @param onTrouble told when the store did not take them: they are kept and tried again
 * @param givenUp writes what follows from deliveries that were given up, in the transaction of their results: whoever
 * dies in between has done neither
 */
export function createResults(
  pool: Pool,
  node: string,
  onTrouble: (error: unknown) => void,
  givenUp: (tx: Tx, results: readonly Result[]) => Promise<void>,
): Results {
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let writtenAt = Number.NEGATIVE_INFINITY;
  let stopped = false;

  return {
    write: (result, holder, version) =>
      new Promise((resolve) => {
        waiting.push({ result, holder, version, resolve });
        writing ??= drain();
      }),
    stop: () => void (stopped = true),
  };

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      // What ends in the same moment shares the statement; under load a little patience makes one of many.
      const isBusy = performance.now() - writtenAt < busyMs;
      await (isBusy ? delay(patienceMs, undefined, { ref: false }) : new Promise(setImmediate));
      const batch = waiting.slice(0, maxBatch);
      waiting = waiting.slice(batch.length);
      try {
        await store(batch);
        writtenAt = performance.now();
      } catch (error) {
        if (stopped) break;
        onTrouble(error);
        waiting = [...batch, ...waiting];
        // Whatever is wrong, nothing that happened may be forgotten.
        // With nothing left to write it would be over before it is remembered, and be remembered for ever.
        const again = setTimeout(() => void (waiting.length > 0 && (writing ??= drain())), retryMs);
        again.unref();
        break;
      }
    }
    writing = undefined;
  }

  async function store(batch: readonly Waiting[]): Promise<void> {
    try {
      await inTime(writeAll(batch));
    } catch (error) {
      if (!isDataFault(error)) throw error;
      onTrouble(error);
      // One of them cannot be written, such as that of a delivery which has expired meanwhile: it must not hold up the rest.
      const [only] = batch;
      if (batch.length > 1) for (const one of batch) await store([one]);
      else if (only?.result.attempt && only.hasProof !== false) await store([{ ...only, hasProof: false }]);
    }
    for (const one of batch) one.resolve();
  }

  async function writeAll(batch: readonly Waiting[]): Promise<void> {
    const lost = batch.map((one) => one.result).filter(({ state }) => state === "bounced" || state === "failed");
    if (lost.length === 0) return writeResults(pool, node, batch);
    await ensureSpace(pool, Math.max(...lost.map(({ at }) => at)));
    await inTransaction(pool, async (tx) => {
      await writeResults(tx, node, batch);
      await givenUp(tx, lost);
    });
  }
}

type Waiting = {
  readonly result: Result;
  readonly holder: string;
  readonly version: number;
  /** false: the attempt counts, but cannot be kept */
  readonly hasProof?: false;
  resolve(): void;
};

const maxBatch = 200;
const busyMs = 25;
const patienceMs = 5;
const retryMs = 500;

async function writeResults(on: Pick<Tx, "query">, node: string, batch: readonly Waiting[]): Promise<void> {
  const results = batch.map((one) => one.result);
  // Of one lane the last word counts.
  const health = new Map(
    batch.flatMap(({ result, holder }) =>
      result.health || result.attempt
        ? [[`${result.duty.laneId} ${holder}`, lastOf(batch, result.duty.laneId, holder)]]
        : [],
    ),
  );
  await on.query({
    name: "write_results",
    // Attempts made so far tell whether somebody else took the lane and went on. A delivery that did arrive is written
    // as sent all the same: that is what happened.
    text: `
      with r as (
        select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::integer[], $5::boolean[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[])
          as t (account_id, id, expires_at, attempts, tried, state, reason, due_at, sent_at)
      ), tried as (
        insert into attempt (account_id, delivery_id, expires_at, ${attemptColumns})
        select account_id, delivery_id, expires_at, ${attemptColumns}
        from unnest($10::uuid[], $11::uuid[], $12::timestamptz[], ${attemptTypes.map((type, index) => `$${index + 13}::${type}[]`).join(", ")})
          as t (account_id, delivery_id, expires_at, ${attemptColumns})
      ), lanes as (
        update lane l
        set failures = case when ${itsWord} then h.failures else l.failures end,
            failing_since = case when ${itsWord} then h.failing_since else l.failing_since end,
            open_until = case when ${itsWord} then h.open_until else l.open_until end,
            told = case when ${itsWord} and h.failing_since is distinct from l.failing_since then 0 else l.told end,
            last_sent_at = coalesce(h.last_sent_at, l.last_sent_at), last_failure = coalesce(h.last_failure::jsonb, l.last_failure)
        from unnest($26::uuid[], $27::uuid[], $28::integer[], $29::integer[], $30::timestamptz[], $31::timestamptz[], $32::timestamptz[], $33::text[])
          as h (id, holder, version, failures, failing_since, open_until, last_sent_at, last_failure)
        where l.id = h.id
      )
      update delivery d
      set state = r.state, reason = r.reason, attempts = d.attempts + r.tried::integer,
          due_at = coalesce(r.due_at, d.due_at), sent_at = r.sent_at
      from r
      where d.account_id = r.account_id and d.id = r.id and d.expires_at = r.expires_at
        and ((d.state = 'due' and d.attempts = r.attempts) or (r.state = 'sent' and d.state <> 'sent'))`,
    values: [
      ...columns(9, results.map(resultRow)),
      ...columns(
        3 + attemptTypes.length,
        batch.flatMap(({ result: { duty, attempt }, hasProof }) =>
          attempt && hasProof !== false
            ? [[duty.accountId, duty.id, new Date(duty.expiresAt), ...attemptRow(attempt, duty.attempts + 1, node)]]
            : [],
        ),
      ),
      ...columns(8, [...health.values()]),
    ],
  });
}

/** The node still holds the lane, and the address is still the one it spoke of. */
const itsWord = "l.node = h.holder and l.version = h.version";

function columns(count: number, rows: readonly (readonly unknown[])[]): unknown[][] {
  return rows.length > 0 ? transpose(rows) : Array.from({ length: count }, () => []);
}

function resultRow({ duty, attempt, state, reason, dueAt, at }: Result): unknown[] {
  return [
    duty.accountId,
    duty.id,
    new Date(duty.expiresAt),
    duty.attempts,
    attempt !== null,
    state,
    reason,
    dueAt === null ? null : new Date(dueAt),
    state === "sent" ? new Date(at) : null,
  ];
}

/** The last word of a holder on a lane. */
function lastOf(batch: readonly Waiting[], laneId: string, holder: string): unknown[] {
  const ofLane = batch.filter((one) => one.result.duty.laneId === laneId && one.holder === holder);
  const own = ofLane.map((one) => one.result);
  const changed = ofLane.findLast((one) => one.result.health);
  const health = changed?.result.health;
  const sent = own.findLast((one) => one.state === "sent");
  const failed = own.findLast((one) => one.attempt?.code);
  const failure = failed?.attempt && {
    at: new Date(failed.attempt.at).toISOString(),
    code: failed.attempt.code,
    sentence: failed.attempt.sentence,
    status: failed.attempt.status,
  };
  return [
    laneId,
    // null: the address does as before
    changed?.holder ?? null,
    changed?.version ?? null,
    health?.failures ?? 0,
    health?.failingSince == null ? null : new Date(health.failingSince),
    health?.openUntil == null ? null : new Date(health.openUntil),
    sent ? new Date(sent.at) : null,
    failure ? JSON.stringify(failure) : null,
  ];
}
