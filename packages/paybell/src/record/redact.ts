import type { Instant } from "@paybell/protocols/domain/day";
import type { PoolClient } from "pg";
import { protocolNamed } from "../domain/protocols.ts";
import { idTime } from "../domain/id.ts";
import { type KeptRow, knownOf } from "./stored-rows.ts";

/** Takes the person out of kept notifications, their headers and what the provider answered about them. */
export async function redactKept(
  tx: Pick<PoolClient, "query">,
  accountId: string,
  ids: readonly string[],
  now: Instant,
): Promise<void> {
  if (ids.length === 0) return;
  const { rows } = await tx.query<Pick<KeptRow, "id" | "protocol" | "mode" | "body" | "replies" | "options">>(
    `select n.id, n.protocol, n.mode, n.body, n.replies, c.options
     from unnest($2::uuid[], $3::timestamptz[]) as t (id, received_at)
     join notification n using (id, received_at)
     left join connection c on c.account_id = n.account_id and c.id = n.connection_id
     where n.account_id = $1 and n.redacted_at is null`,
    [accountId, ids, ids.map((id) => new Date(idTime(id)))],
  );
  for (const row of rows) {
    const protocol = protocolNamed(row.protocol);
    const redactReply = (reply: Uint8Array) => protocol.redactReply?.(reply) ?? protocol.redact(reply, knownOf(row));
    const replies = row.replies?.map(({ status, body }) => ({
      status,
      body: Buffer.from(redactReply(Buffer.from(body, "base64"))).toString("base64"),
    }));
    await tx.query(
      `update notification set body = $4, headers = '[]', replies = $5, redacted_at = $6
       where account_id = $1 and id = $2 and received_at = $3`,
      [
        accountId,
        row.id,
        new Date(idTime(row.id)),
        Buffer.from(protocol.redact(row.body, knownOf(row))),
        replies ? JSON.stringify(replies) : null,
        new Date(now),
      ],
    );
  }
}
