import type { Instant } from "@paybell/protocols/domain/day";
import { z } from "zod";
import type { House } from "../house.ts";
import { iso, isoInstant } from "./instant.ts";

const phase = z.number().nullable().meta({ description: "milliseconds; null: this phase did not happen" });

/** Proof of one try. */
export const attemptSchema = z.object({
  /** from 1 */
  number: z.int(),
  at: isoInstant,
  /** the process that made it */
  node: z.string(),
  dns_ms: phase,
  connect_ms: phase,
  tls_ms: phase,
  first_byte_ms: phase,
  total_ms: z.number(),
  /** HTTP; null: nothing was answered */
  status: z.int().nullable(),
  /** null: it arrived */
  code: z.string().nullable(),
  sentence: z.string().nullable(),
  /** the first bytes of what was answered */
  answer: z.string().nullable(),
});

export type AttemptRow = Omit<z.output<typeof attemptSchema>, "at"> & { at: Instant };

/** The oldest first. */
export async function attemptRows(
  { pool }: Pick<House, "pool">,
  accountId: string,
  deliveryId: string,
): Promise<AttemptRow[]> {
  const { rows } = await pool.query<AttemptRow>(
    `select number, at, node, dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms, status, code, sentence, answer
     from attempt where account_id = $1 and delivery_id = $2 order by id`,
    [accountId, deliveryId],
  );
  return rows;
}

export function shownAttempt(row: AttemptRow): z.input<typeof attemptSchema> {
  return { ...row, at: iso(row.at) };
}
