import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { testEvent } from "@paybell/protocols/test-event";
import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import type { Context } from "../context.ts";
import { isDataFault } from "../db/pool.ts";
import { firstId, lastId, newId } from "../domain/id.ts";
import { isOneOf, wants } from "./events.ts";
import { lanesWithoutAddress } from "./lane-rows.ts";
import { tellOfRepair } from "./notices.ts";

/** Which deliveries a job is about. Instants are ISO 8601. */
export const jobParams = z.object({
  /** null: all outgoing connections */
  connection_id: z.uuid().nullable().default(null),
  since: z.iso.datetime({ offset: true }),
  until: z.iso.datetime({ offset: true }).nullable().default(null),
  /** event types, or `payment.*` for all that begin so; null: all */
  types: z.array(z.string().max(100)).max(50).nullable().default(null),
});

export type JobParams = z.infer<typeof jobParams>;

/**
 * - `recover`: what failed for good is due again, its schedule begun anew
 * - `fill`: events that never had a delivery to the connection get one
 * - `drop`: what is still due is given up
 */
export type JobKind = "recover" | "fill" | "drop";

export type Jobs = {
  /** goes on with all jobs until they are done; a job that another node works on is left to it */
  work(): Promise<void>;
  stop(): Promise<void>;
};

/** Works on many deliveries in small steps, each one short transaction: a restart goes on where the last step ended. */
export function createJobs(context: Pick<Context, "pool" | "clock" | "sending" | "log">): Jobs {
  let working: Promise<void> | undefined;
  let asked = false;
  let stopped = false;
  return {
    work() {
      asked = true;
      return (working ??= rounds().finally(() => (working = undefined)));
    },
    async stop() {
      stopped = true;
      await working?.catch(() => undefined);
    },
  };

  /** Whoever asks while one is on its way may know of a job that it no longer saw. */
  async function rounds(): Promise<void> {
    while (asked) {
      asked = false;
      await round();
    }
  }

  async function round(): Promise<void> {
    const { rows } = await context.pool.query({
      name: "jobs_running",
      text: "select 1 from job where state = 'running' limit 1",
    });
    if (rows.length === 0) return;
    for (;;) {
      if (stopped || !(await step(context))) return;
      // Deliveries go before: let what is ready take its turn.
      await new Promise(setImmediate);
    }
  }
}

const stepSize = 500;

/** Makes a job. Its work is counted where little has to be looked at for that. @returns its id */
export async function addJob(
  on: Pick<PoolClient, "query">,
  job: { readonly accountId: string; readonly mode: Mode; readonly kind: JobKind; readonly params: JobParams },
  now: Instant,
): Promise<string> {
  const id = newId(now);
  const row = { account_id: job.accountId, id, mode: job.mode, kind: job.kind, params: job.params, position: null };
  const { text, values } = counted(row, job.params);
  const { rows } = await on.query<{ seen: number; fits: number }>(text, values);
  const { seen, fits } = rows[0]!;
  await on.query(
    `insert into job (account_id, id, mode, kind, params, state, total, created_at)
     values ($1, $2, $3, $4, $5, 'running', $6, $7)`,
    [job.accountId, id, job.mode, job.kind, job.params, seen < mostCounted ? fits : null, new Date(now)],
  );
  return id;
}

const mostCounted = 5000;

type JobRow = {
  readonly account_id: string;
  readonly id: string;
  readonly mode: string;
  readonly kind: JobKind;
  readonly params: unknown;
  readonly position: string | null;
};

/** @returns false: there is nothing to do */
async function step(context: Pick<Context, "pool" | "clock" | "sending" | "log">): Promise<boolean> {
  const { pool, clock, sending, log } = context;
  const client = await pool.connect();
  let job: JobRow | undefined;
  try {
    await client.query("begin");
    // Held for one short step: whoever comes meanwhile takes another job.
    const { rows } = await client.query<JobRow>(
      `select account_id, id, mode, kind, params, position from job
       where state = 'running' order by id limit 1 for update skip locked`,
    );
    job = rows[0];
    if (!job) {
      await client.query("rollback");
      return false;
    }
    const params = jobParams.parse(job.params);
    const now = clock();
    const { rows: done } = await client.query<{ count: number; last: string | null; lanes: string[] | null }>(
      statements[job.kind](job, params, now),
    );
    const { count, last, lanes } = done[0]!;
    await client.query(
      `update job set position = coalesce($3, position), done = done + $4,
         state = case when $5 then 'done' else state end, finished_at = case when $5 then $6::timestamptz end
       where account_id = $1 and id = $2`,
      [job.account_id, job.id, last, count, last === null, new Date(now)],
    );
    if (lanes && job.kind === "recover") await tellOfRepair(client, job.account_id, lanes, now);
    await client.query("commit");
    if (lanes) sending.look(lanes);
    return true;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    const name = (error as Error).name;
    if (!job || !(error instanceof z.ZodError || isDataFault(error))) throw error;
    // It would fail for ever, and all that come after it would wait for it.
    log.error({ jobId: job.id, code: (error as { code?: string }).code, name }, "a job cannot be done");
    await client.query(
      "update job set state = 'failed', reason = $3, finished_at = $4 where account_id = $1 and id = $2 and state = 'running'",
      [job.account_id, job.id, "not_doable", new Date(clock())],
    );
    return true;
  } finally {
    client.release();
  }
}

type Statement = { readonly text: string; readonly values: unknown[] };

/** What is left to be done of what a step looks at. */
const fitting: Record<JobKind, string> = {
  recover:
    "d.state = 'failed' and exists (select 1 from address a where a.account_id = d.account_id and a.id = d.lane_id)",
  drop: "d.state = 'due'",
  fill: "not exists (select 1 from delivery x where x.event_id = e.id and x.lane_id = a.id and x.expires_at = e.expires_at)",
};

const dropped = "state = 'dropped', reason = 'connection_removed', sent_at = null";

/**
 * Gives up what is due where there is no address any more: whoever wrote it had read the address before it was removed,
 * and was done after the removal's own job.
 * @returns how many
 */
export async function dropLeftBehind(pool: Pool): Promise<number> {
  let count = 0;
  for (const { id } of await lanesWithoutAddress(pool)) {
    // In steps, so that no statement is long.
    for (let changed = stepSize; changed === stepSize; count += changed) {
      const { rowCount } = await pool.query(
        `update delivery d set ${dropped}
         from (select account_id, id, expires_at from delivery where lane_id = $1 and state = 'due' order by due_at limit $2) f
         where d.account_id = f.account_id and d.id = f.id and d.expires_at = f.expires_at and d.state = 'due'`,
        [id, stepSize],
      );
      changed = rowCount ?? 0;
    }
  }
  return count;
}

const statements: Record<JobKind, (job: JobRow, params: JobParams, now: Instant) => Statement> = {
  recover: (job, params, now) =>
    onDeliveries(
      job,
      params,
      now,
      fitting.recover,
      "state = 'due', due_at = $8, attempts_before = d.attempts, reason = null",
    ),
  drop: (job, params, now) => onDeliveries(job, params, now, fitting.drop, `${dropped}, due_at = $8`),
  fill: (job, params, now) => ({
    text: `
      with found as (
        select e.account_id, e.id, e.expires_at, e.mode, e.type, e.order_key, e.data
        from event e
        where e.account_id = $1 and e.mode = $2 and e.id > $3 and e.id < $4
          and ${isOneOf("e.type", "$5::text[]")} and e.type <> '${testEvent}'
        order by e.id limit $6
      ), d as (
        insert into delivery (account_id, id, expires_at, mode, lane_id, kind, state, due_at, created_at, event_id, order_key)
        select e.account_id, id_at($8), e.expires_at, e.mode, a.id, e.type, 'due', $8, $8, e.id, case when a.ordered then e.order_key end
        from found e join address a on a.account_id = e.account_id and a.id = $7 and a.mode = e.mode and ${wants("a", "e")}
        where ${fitting.fill}
        returning lane_id
      )
      select (select count(*)::integer from d) as count, (select max(id::text)::uuid from found) as last,
             (select array_agg(distinct lane_id::text) from d) as lanes`,
    values: [...range(job, params), params.types, stepSize, params.connection_id, new Date(now)],
  }),
};

/** Ids begin with the time they were made at. */
function range(job: Pick<JobRow, "account_id" | "mode" | "position">, { since, until }: JobParams): unknown[] {
  return [
    job.account_id,
    job.mode,
    job.position ?? firstId(Date.parse(since)),
    until === null ? lastId : firstId(Date.parse(until)),
  ];
}

function onDeliveries(job: JobRow, params: JobParams, now: Instant, where: string, set: string): Statement {
  return {
    text: `
      with seen as (
        select d.account_id, d.id, d.expires_at, ${where} as fits
        from delivery d
        where d.account_id = $1 and d.mode = $2 and d.id > $3 and d.id < $4 and d.event_id is not null
          and ${isOneOf("d.kind", "$5::text[]")} and d.kind <> '${testEvent}' and ($7::uuid is null or d.lane_id = $7)
        order by d.id limit $6
      ), changed as (
        update delivery d set ${set}
        from seen s
        where s.fits and d.account_id = s.account_id and d.id = s.id and d.expires_at = s.expires_at and ${where}
        returning d.lane_id
      )
      select (select count(*)::integer from changed) as count, (select max(id::text)::uuid from seen) as last,
             (select array_agg(distinct lane_id::text) from changed) as lanes`,
    values: [...range(job, params), params.types, stepSize, params.connection_id, new Date(now)],
  };
}

/** How much there is to do, of the first few thousand rows that a job would look at. */
function counted(job: JobRow, params: JobParams): Statement {
  const values = [...range(job, params), params.types, mostCounted, params.connection_id];
  if (job.kind === "fill")
    return {
      text: `
        select count(*)::integer as seen, count(*) filter (where fits)::integer as fits
        from (
          select a.id is not null and ${isOneOf("e.type", "$5::text[]")} and e.type <> '${testEvent}' and ${fitting.fill} as fits
          from (select * from event where account_id = $1 and mode = $2 and id > $3 and id < $4 order by id limit $6) e
          left join address a on a.account_id = e.account_id and a.id = $7 and a.mode = e.mode and ${wants("a", "e")}) s`,
      values,
    };
  return {
    text: `
      select count(*)::integer as seen, count(*) filter (where fits)::integer as fits
      from (
        select d.event_id is not null and ${isOneOf("d.kind", "$5::text[]")} and d.kind <> '${testEvent}' and ${fitting[job.kind]} as fits
        from delivery d
        where d.account_id = $1 and d.mode = $2 and d.id > $3 and d.id < $4 and ($7::uuid is null or d.lane_id = $7)
        order by d.id limit $6) s`,
    values,
  };
}
