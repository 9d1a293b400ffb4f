import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { PoolClient } from "pg";
import { transpose } from "../db/rows.ts";
import { newId } from "../domain/id.ts";

/** Something our own side announces. */
export type Announcement = {
  readonly accountId: string;
  readonly mode: Mode;
  readonly type: "access.granted" | "access.changed" | "access.revoked";
  readonly at: Instant;
  readonly data: Readonly<Record<string, unknown>>;
};

/** Written in the transaction of the change it speaks of. */
export async function addEvents(tx: PoolClient, events: readonly Announcement[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query({
    name: "add_events",
    text: `
      insert into event (account_id, id, mode, type, at, data)
      select account_id, id, mode, type, at, data::jsonb
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::text[]) as t (account_id, id, mode, type, at, data)`,
    values: transpose(
      events.map((event) => [
        event.accountId,
        newId(event.at),
        event.mode,
        event.type,
        new Date(event.at),
        JSON.stringify(event.data),
      ]),
    ),
  });
}
