import type { Instant } from "@paybell/protocols/domain/day";
import type { PoolClient } from "pg";
import { accessAt } from "../access/access.ts";
import { transpose } from "../db/rows.ts";
import type { Computed } from "./compute.ts";

export type WrittenItem = Omit<Computed, "effects"> & {
  readonly effects: readonly string[];
  /** something is to be announced then */
  readonly tellAt: Instant | undefined;
};

/** Writes what the facts came to. */
export async function writeItems(tx: PoolClient, items: readonly WrittenItem[]): Promise<void> {
  if (items.length === 0) return;
  await tx.query({
    name: "write_items",
    text: `
      update item i set
        state = t.state::jsonb, balance_minor = t.balance_minor, currency = t.currency, waiting = t.waiting,
        effects = array(select jsonb_array_elements_text(t.effects::jsonb)), walked_to = t.walked_to, due_at = t.due_at
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[])
        as t (account_id, id, state, balance_minor, currency, waiting, effects, walked_to, due_at)
      where i.account_id = t.account_id and i.id = t.id`,
    values: transpose(
      items.map(({ held, state, balance, waiting, effects, now, tellAt }) => {
        const changesAt = held.product ? accessAt(state, now).changesAt : null;
        const dueAt = Math.min(changesAt ?? Number.POSITIVE_INFINITY, tellAt ?? Number.POSITIVE_INFINITY);
        return [
          held.accountId,
          held.id,
          JSON.stringify(state),
          (balance?.minor ?? 0n).toString(),
          balance?.currency ?? null,
          waiting,
          JSON.stringify(effects),
          held.product ? new Date(now) : null,
          dueAt === Number.POSITIVE_INFINITY ? null : new Date(dueAt),
        ];
      }),
    ),
  });
}
