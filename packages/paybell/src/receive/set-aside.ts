import type { Context } from "../context.ts";
import { raiseAlarms } from "../fulfil/alarms.ts";
import type { Refuser, Refused } from "../record/refuse.ts";
import { ensureSpace } from "../send/retention.ts";
import type { InConnection } from "./connections.ts";

/** Keeps what could not be proven, and tells the seller when it happens again and again. */
export async function setAsideRefused(
  context: Context,
  refuser: Refuser,
  connection: Pick<InConnection, "accountId" | "id" | "mode" | "name">,
  refused: Omit<Refused, "accountId" | "connectionId">,
): Promise<void> {
  const { accountId, id, mode, name } = connection;
  const lately = await refuser.refuse({ accountId, connectionId: id, ...refused });
  if (lately !== repeatedRefusals) return;
  await ensureSpace(context.pool, refused.receivedAt);
  await raiseAlarms(context, context.pool, [
    {
      accountId,
      mode,
      kind: "signatures_wrong",
      key: id,
      data: { connection: name, sentence: refused.sentence },
      at: refused.receivedAt,
    },
  ]);
}

/** In one minute on one connection. */
const repeatedRefusals = 3;

/** What is proven and cannot be understood waits, visibly. */
export async function tellUnreadable(
  context: Context,
  connection: Pick<InConnection, "accountId" | "name">,
  notification: { readonly id: string; readonly mode: InConnection["mode"]; readonly at: number },
  sentence: string,
): Promise<void> {
  await ensureSpace(context.pool, notification.at);
  await raiseAlarms(context, context.pool, [
    {
      accountId: connection.accountId,
      mode: notification.mode,
      kind: "notification_unreadable",
      key: notification.id,
      data: { notification_id: notification.id, connection: connection.name, sentence },
      at: notification.at,
    },
  ]);
}
