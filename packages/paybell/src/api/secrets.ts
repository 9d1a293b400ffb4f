import type { Instant } from "@paybell/protocols/domain/day";
import { z } from "zod";
import { inTransaction, type Tx } from "../db/transaction.ts";
import type { Protocol } from "@paybell/protocols/protocol";
import { newToken } from "../domain/id.ts";
import { protocolNamed } from "../domain/protocols.ts";
import { defaults } from "../domain/settings.ts";
import { checkSecret, formatNamed, newSecretFor } from "./address-fields.ts";
import { changeLane } from "./address-rows.ts";
import { addSecrets, endOldSecrets } from "./connection-rows.ts";
import { connectionSchema, shownConnection } from "./connection-view.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { notFound, problem } from "./problem.ts";

/** Line ends come along when a secret is copied; they are never part of it. */
export const secretText = z
  .string()
  .transform((text) => text.replace(/[\r\n]+$/, ""))
  .pipe(z.string().min(1).max(500));

/** The secrets of connections, in and out. */
export function secrets(api: Api): void {
  const { house } = api;
  const tag = "connections";

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/connections/:id/secrets",
      tag,
      summary: "Rotate the secret",
      description:
        "Old and new are both valid for `secret_overlap_hours` (24). Without a secret one is made and shown once.",
      scope: "owner",
      status: 201,
      body: z.object({ secret: secretText.optional() }),
      answer: z.intersection(connectionSchema, z.object({ secret: z.string().optional() })),
    },
    async ({ who, body, now, id }) => {
      const { direction, protocol, secrets } = await shownConnection(house, who, id());
      const format = direction === "out" ? formatNamed(protocol) : undefined;
      if (format && body.secret !== undefined) await checkSecret(body.secret, format, "secret");
      // A receiver that holds a public key could do nothing with a secret of another kind.
      const isSigned = secrets.some((one) => "public_key" in one);
      const made =
        body.secret === undefined
          ? format
            ? newSecretFor(format, isSigned)
            : newSecretOf(protocolNamed(protocol))
          : undefined;
      const hours = who.account.settings.secret_overlap_hours ?? defaults.secret_overlap_hours;
      const { accountId } = who;
      await inTransaction(house.pool, async (tx) => {
        await lockConnection(tx, accountId, id());
        await endOldSecrets(tx, accountId, id(), now + hours * 3_600_000);
        await addSecrets(house, tx, accountId, id(), [body.secret ?? made!], now);
        if (format) await changeLane(tx, { accountId, id: id() }, {}, now);
      });
      if (format) house.sending.look([id()]);
      else house.connectionsChanged();
      return { ...(await shownConnection(house, who, id())), ...(made !== undefined && { secret: made }) };
    },
  );

  endpoint(
    api,
    {
      method: "delete",
      path: "/v1/connections/:id/secrets/:secret",
      tag,
      summary: "Make a secret useless now",
      scope: "owner",
      answer: connectionSchema,
    },
    async ({ who, now, id }) => {
      const isOut = (await shownConnection(house, who, id())).direction === "out";
      const { accountId } = who;
      await inTransaction(house.pool, async (tx) => {
        await lockConnection(tx, accountId, id());
        await deleteSecret(tx, { accountId, connectionId: id(), id: id("secret") }, now);
        if (isOut) await changeLane(tx, { accountId, id: id() }, {}, now);
      });
      if (isOut) house.sending.look([id()]);
      else house.connectionsChanged();
      return shownConnection(house, who, id());
    },
  );
}

/** @throws the problem `secret_missing` where only the provider has one */
export function newSecretOf({ name, secretBy, secretLength }: Protocol): string {
  if (secretBy === undefined) return newToken().slice(0, secretLength);
  const sentence =
    secretBy === "provider"
      ? `${name} makes the secret itself: send it as secret.`
      : `${name} has no secret: its messages are proven by asking.`;
  throw problem(422, "secret_missing", sentence, { errors: [{ path: "secret", message: sentence }] });
}

/** Whoever changes a connection's secrets takes turns: of two who each leave one, none would be left. */
async function lockConnection(tx: Tx, accountId: string, id: string): Promise<void> {
  const { rowCount } = await tx.query(
    "select 1 from connection where account_id = $1 and id = $2 and removed_at is null for no key update",
    [accountId, id],
  );
  if (rowCount === 0) throw notFound("connection");
}

/** @throws the problems `not_found`, `last_secret` */
async function deleteSecret(
  tx: Tx,
  of: { readonly accountId: string; readonly connectionId: string; readonly id: string },
  now: Instant,
): Promise<void> {
  const { rows } = await tx.query<{ id: string; valid: boolean }>(
    `select id, expires_at is null or expires_at > $3 as valid from connection_secret
     where account_id = $1 and connection_id = $2`,
    [of.accountId, of.connectionId, new Date(now)],
  );
  if (!rows.some(({ id }) => id === of.id)) throw notFound("secret");
  if (!rows.some(({ id, valid }) => valid && id !== of.id))
    throw problem(409, "last_secret", "This is the last valid secret. Add the new one first, then delete this one.");
  await tx.query("delete from connection_secret where account_id = $1 and connection_id = $2 and id = $3", [
    of.accountId,
    of.connectionId,
    of.id,
  ]);
}
