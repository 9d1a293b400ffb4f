import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { z } from "zod";
import { isEventType } from "../domain/event-types.ts";
import { inTransaction } from "../db/transaction.ts";
import type { House } from "../house.ts";
import { addJob, type JobKind, type JobParams, jobParams } from "../send/jobs.ts";
import type { Who } from "./auth.ts";
import { iso, isoInstant, readAt } from "./instant.ts";
import { problem } from "./problem.ts";

export const jobSchema = z.object({
  id: z.string(),
  /**
   * `recover`: what failed for good is due again. `fill`: events that never had a delivery to the connection get one.
   * `drop`: what is due to a removed connection is given up.
   */
  kind: z.enum(["recover", "fill", "drop"]),
  params: z.object({
    /** null: all outgoing connections */
    connection_id: z.string().nullable(),
    since: isoInstant,
    until: isoInstant.nullable(),
    /** null: all */
    events: z.array(z.string()).nullable(),
  }),
  state: z.enum(["running", "done", "cancelled", "failed"]),
  /** deliveries so far */
  done: z.int(),
  /** deliveries in all; null: too many to count beforehand */
  total: z.int().nullable(),
  reason: z.string().nullable(),
  created_at: isoInstant,
  finished_at: isoInstant.nullable(),
});

export const eventTypes = z
  .array(
    z.string().max(100).refine(isEventType, "must be an event type such as payment.made, or payment.* for all of them"),
  )
  .min(1)
  .max(50);

/** Instants, or days in the shop's zone; until: now. */
export const spanBody = z.object({ since: z.string().max(40), until: z.string().max(40).optional() });

type JobRow = {
  id: string;
  kind: JobKind;
  params: unknown;
  state: "running" | "done" | "cancelled" | "failed";
  done: bigint;
  total: bigint | null;
  reason: string | null;
  created_at: Instant;
  finished_at: Instant | null;
};

/** Newest first. @returns up to one more than `limit` */
export async function jobRows(
  { pool }: Pick<House, "pool">,
  of: {
    readonly accountId: string;
    readonly modes: readonly Mode[];
    readonly ids?: readonly string[];
    readonly cursor?: string | undefined;
    readonly limit: number;
  },
): Promise<JobRow[]> {
  const { rows } = await pool.query<JobRow>(
    `select id, kind, params, state, done, total, reason, created_at, finished_at from job
     where account_id = $1 and mode = any($2) and ($3::uuid[] is null or id = any($3)) and ($4::uuid is null or id < $4)
     order by id desc limit $5 + 1`,
    [of.accountId, of.modes, of.ids ?? null, of.cursor ?? null, of.limit],
  );
  return rows;
}

export function shownJob(row: JobRow): z.input<typeof jobSchema> {
  const { types, ...params } = jobParams.parse(row.params);
  return {
    ...row,
    params: { ...params, events: types },
    done: Number(row.done),
    total: row.total === null ? null : Number(row.total),
    created_at: iso(row.created_at),
    finished_at: iso(row.finished_at),
  };
}

/** Makes jobs on one span of time and sets them going. @returns them in the order asked for */
export async function makeJobs(
  house: House,
  who: Who,
  mode: Mode,
  kinds: readonly JobKind[],
  body: {
    readonly since: string;
    readonly until?: string | undefined;
    readonly connection_id?: string | undefined;
    readonly events?: readonly string[] | undefined;
  },
  now: Instant,
): Promise<z.input<typeof jobSchema>[]> {
  const since = readAt(body.since, who.account.zone, "since");
  const until = body.until === undefined ? now + 1 : readAt(body.until, who.account.zone, "until");
  if (until <= since) {
    const message = "must be later than since";
    const path = body.until === undefined ? "since" : "until";
    const detail = body.until === undefined ? "since lies in the future." : `until ${message}.`;
    throw problem(422, "invalid_request", detail, {
      errors: [{ path, message: path === "since" ? "lies in the future" : message }],
    });
  }
  const params: JobParams = {
    connection_id: body.connection_id ?? null,
    since: iso(since),
    until: iso(until),
    types: body.events ? [...body.events] : null,
  };
  const ids = await inTransaction(house.pool, async (tx) => {
    const made: string[] = [];
    for (const kind of kinds) made.push(await addJob(tx, { accountId: who.accountId, mode, kind, params }, now));
    return made;
  });
  const rows = await jobRows(house, { accountId: who.accountId, modes: [mode], ids, limit: ids.length });
  house.jobsChanged();
  return ids.flatMap((id) => rows.filter((row) => row.id === id).map(shownJob));
}
