import { hostname } from "node:os";
import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Format } from "@paybell/protocols/format";
import { testEvent } from "@paybell/protocols/test-event";
import type { Context } from "../context.ts";
import { newId } from "../domain/id.ts";
import { defaultRetentionDays } from "../domain/settings.ts";
import { attemptColumns, attemptRow, attemptTypes } from "./attempt-rows.ts";
import { type Network, openAddress } from "./http.ts";
import type { LaneRow } from "./lane-rows.ts";
import type { AttemptRecord } from "./outcome.ts";

export type SentSample = {
  readonly eventId: string;
  readonly deliveryId: string;
  readonly node: string;
  readonly attempt: AttemptRecord;
};

/**
 * Sends the format's sample to one connection, beside its lane: once, whatever state it is in. What came of it is kept
 * like any other delivery; as an event it is a test whatever it looks like to the receiver, and goes to nobody else.
 */
export async function sendSample(
  context: Pick<Context, "pool" | "clock" | "seal" | "log">,
  network: Network,
  of: {
    readonly accountId: string;
    readonly mode: Mode;
    readonly format: Format;
    readonly connection: Pick<LaneRow, "id" | "address">;
  },
): Promise<SentSample> {
  const now = context.clock();
  const { type, data } = of.format.sample(now);
  const [eventId, deliveryId] = [newId(now), newId(now)];
  const carrier = openAddress(context, network, of.connection);
  const { attempt } = await carrier.deliver({
    what: "event",
    accountId: of.accountId,
    laneId: of.connection.id,
    id: deliveryId,
    expiresAt: now,
    attempts: 0,
    attemptsBefore: 0,
    orderKey: null,
    event: { id: eventId, type, at: now, test: true, data },
  });
  carrier.close();
  if (!attempt) throw new Error(`${of.format.name} has no words for its own sample.`);
  const node = `${hostname()}:${process.pid}`;
  await keep(context.pool, { ...of, laneId: of.connection.id, eventId, deliveryId, node, data, attempt }, now);
  return { eventId, deliveryId, node, attempt };
}

type Kept = SentSample & {
  readonly accountId: string;
  readonly mode: Mode;
  readonly laneId: string;
  readonly data: string;
};

async function keep(pool: Context["pool"], { attempt, ...of }: Kept, now: Instant): Promise<void> {
  const arrived = attempt.code === null;
  await pool.query(
    `
    with e as (
      select $3::timestamptz + make_interval(days => coalesce((settings->>'retention_days')::integer, ${defaultRetentionDays})) as expires_at
      from account where id = $1
    ), event as (
      insert into event (account_id, id, expires_at, mode, type, at, data)
      select $1, $4, expires_at, $2, '${testEvent}', $3, $5::json from e
    ), delivery as (
      insert into delivery (account_id, id, expires_at, mode, lane_id, kind, state, reason, attempts, due_at, created_at, sent_at, event_id)
      select $1, $6, expires_at, $2, $7, '${testEvent}', $8, $9, 1, $3, $3, $10, $4 from e
    )
    insert into attempt (account_id, delivery_id, expires_at, ${attemptColumns})
    select $1, $6, expires_at, ${attemptTypes.map((type, index) => `$${index + 11}::${type}`).join(", ")} from e`,
    [
      of.accountId,
      of.mode,
      new Date(now),
      of.eventId,
      of.data,
      of.deliveryId,
      of.laneId,
      arrived ? "sent" : "failed",
      arrived ? null : `${attempt.code}: ${attempt.sentence}`,
      arrived ? new Date(attempt.at) : null,
      ...attemptRow(attempt, 1, of.node),
    ],
  );
}
