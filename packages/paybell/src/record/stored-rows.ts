import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { Known } from "@paybell/protocols/protocol";
import type { Pool, PoolClient } from "pg";
import { idTime } from "../domain/id.ts";
import { protocolNamed } from "../domain/protocols.ts";
import type { StoredNotification } from "./stored.ts";

/** What was recorded and not yet acted on: a node died, or the store went away in between. */
export async function leftBehind(pool: Pool, olderThanMs: number, limit: number): Promise<KeptRow[]> {
  const { rows } = await pool.query<KeptRow>({
    name: "left_behind",
    text: `
      select ${keptColumns} from notification
      where state = 'stored' and recorded_at <= clock_timestamp() - $1 * interval '1 millisecond'
      order by recorded_at limit $2`,
    values: [olderThanMs, limit],
  });
  return rows;
}

export async function keptById(
  pool: Pick<PoolClient, "query">,
  accountId: string,
  ids: readonly string[],
): Promise<KeptRow[]> {
  const { rows } = await pool.query<KeptRow>({
    name: "kept_by_id",
    text: `
      select ${keptColumns}
      from unnest($2::uuid[], $3::timestamptz[]) as t (id, received_at)
      join notification using (id, received_at)
      where account_id = $1`,
    values: [accountId, ids, ids.map((id) => new Date(idTime(id)))],
  });
  return rows;
}

/** All kept notifications in order of arrival, page by page. @param after the last id of the page before */
export async function keptPage(pool: Pool, accountId: string, after: string | null, limit: number): Promise<KeptRow[]> {
  const { rows } = await pool.query<KeptRow>({
    name: "kept_page",
    text: `select ${keptColumns} from notification where account_id = $1 and ($2::uuid is null or id > $2) order by id limit $3`,
    values: [accountId, after, limit],
  });
  return rows;
}

export type KeptRow = {
  readonly account_id: string;
  readonly id: string;
  readonly received_at: Instant;
  readonly protocol: string;
  readonly provider_account: string;
  readonly mode: Mode;
  readonly state: string;
  readonly reason: string | null;
  readonly body: Buffer;
  /** what the provider answered when it was asked about it */
  readonly replies: readonly { readonly status: number; readonly body: string }[] | null;
  /** of its connection, those that are no secret */
  readonly options: Readonly<Record<string, string>> | null;
};

export const keptColumns = `account_id, id, received_at, protocol, provider_account, mode, state, reason, body, replies,
  (select c.options from connection c where c.account_id = notification.account_id and c.id = notification.connection_id) as options`;

/** What is known of a kept notification beside its bytes. Its own mode is its connection's, or it said so itself. */
export function knownOf({ options, replies, mode }: Pick<KeptRow, "options" | "replies" | "mode">): Known {
  return {
    mode,
    ...(options && { options }),
    ...(replies && { replies: replies.map(({ status, body }) => ({ status, body: bytesOf(body) })) }),
  };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

/** Reads a kept notification again. @returns undefined while it cannot be read, or is not proven: nothing acts on it */
export function readAgain(row: KeptRow): StoredNotification | undefined {
  if (row.state === "unverified") return undefined;
  const parsed = protocolNamed(row.protocol).parse(row.body, knownOf(row));
  if (!parsed.ok) return undefined;
  const { reading } = parsed;
  return {
    accountId: row.account_id,
    id: row.id,
    receivedAt: row.received_at,
    protocol: row.protocol,
    providerAccount: row.provider_account,
    // A notice without a word on its mode keeps what was decided when it came.
    mode: row.mode === "test" ? "test" : (reading.mode ?? row.mode),
    ...(reading.orderId !== undefined && { orderId: reading.orderId }),
    reading,
  };
}

/** What could not be read when it came, and can be now. */
export async function noteReading(
  pool: Pool,
  { accountId, id, mode, orderId, reading }: StoredNotification,
): Promise<void> {
  await pool.query(
    `update notification set event = $4, order_id = $5, mode = $6
     where account_id = $1 and id = $2 and received_at = $3 and (event, order_id, mode) is distinct from ($4, $5, $6)`,
    [accountId, id, new Date(idTime(id)), reading.event, orderId, mode],
  );
}
