import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool } from "pg";
import { newId } from "../domain/id.ts";

/** A notification that could not be verified. It changes nothing; it is kept so that the seller sees why. */
export type Refused = {
  readonly accountId: string;
  readonly connectionId: string;
  readonly receivedAt: Instant;
  readonly reason: string;
  readonly sentence: string;
  readonly headers: string;
  readonly body: Uint8Array;
};

/** Kept for each connection: this many, for this long, and of each this much. */
export const refusalLimits = {
  count: 200,
  ageMs: 30 * 86_400_000,
  bodyBytes: 16 * 1024,
  headerBytes: 8 * 1024,
  perMinute: 30,
};

export type Refuser = {
  /** keeps it, or only drops the oldest ones when a flood comes; @returns how many were refused in the last minute */
  refuse(refused: Refused): Promise<number>;
};

/** Bounded in number, age, size and rate: a flood of forgeries costs neither disk nor the honest their place. */
export function createRefuser(pool: Pool): Refuser {
  const recent = new Map<string, { minute: number; count: number }>();
  return {
    async refuse(refused) {
      const minute = Math.floor(refused.receivedAt / 60_000);
      const known = recent.get(refused.connectionId);
      const count = known?.minute === minute ? known.count + 1 : 1;
      recent.set(refused.connectionId, { minute, count });
      if (count <= refusalLimits.perMinute) await keep(pool, refused);
      return count;
    },
  };
}

async function keep(pool: Pool, refused: Refused): Promise<void> {
  const { accountId, connectionId, receivedAt, reason, sentence, headers, body } = refused;
  await pool.query({
    name: "keep_refusal",
    text: `
      with kept as (
        insert into refusal (account_id, id, connection_id, received_at, reason, sentence, headers, body, body_length)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      )
      delete from refusal
      where account_id = $1 and connection_id = $3
        and (received_at < $10 or id in (
          select id from refusal where account_id = $1 and connection_id = $3 order by id desc offset $11))`,
    values: [
      accountId,
      newId(receivedAt),
      connectionId,
      new Date(receivedAt),
      reason,
      sentence,
      headers.length > refusalLimits.headerBytes ? "[]" : headers,
      body.subarray(0, refusalLimits.bodyBytes),
      body.length,
      new Date(receivedAt - refusalLimits.ageMs),
      refusalLimits.count - 1,
    ],
  });
}
