import { z } from "zod";
import { inTransaction } from "../db/transaction.ts";
import { newId, newToken, sha256 } from "../domain/id.ts";
import { protocols } from "../domain/protocols.ts";
import { defaults } from "../domain/settings.ts";
import type { Who } from "./auth.ts";
import {
  addSecrets,
  type ConnectionRow,
  connectionRows,
  endOldSecrets,
  type SecretRow,
  secretRows,
} from "./connection-rows.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant } from "./instant.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound, problem } from "./problem.ts";

/** Line ends come along when a secret is copied; they are never part of it. */
const secretText = z
  .string()
  .transform((text) => text.replace(/[\r\n]+$/, ""))
  .pipe(z.string().min(1).max(500));

const shownSecret = z.object({ id: z.string(), created_at: isoInstant, expires_at: isoInstant.nullable() });

const connectionSchema = z.object({
  id: z.string(),
  /** where the provider sends its notifications: the address is part of the secret */
  url: z.string(),
  direction: z.string(),
  protocol: z.string(),
  provider_account: z.string(),
  name: z.string(),
  mode: z.enum(["live", "test"]),
  disabled: z.boolean(),
  created_at: isoInstant,
  secrets: z.array(shownSecret),
  last_received_at: isoInstant.nullable(),
  last_refused: z.object({ at: isoInstant, reason: z.string(), sentence: z.string() }).nullable(),
  /** the provider's products that came in and are mapped to none of ours */
  unmapped_products: z.array(z.string()),
});

/** A secret made here is shown once, in this answer. */
const withSecret = connectionSchema.extend({ secret: z.string().optional() });

export function connections(api: Api): void {
  const { house } = api;
  const tag = "connections";

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/connections",
      tag,
      summary: "Connect a provider",
      scope: "owner",
      status: 201,
      body: z.object({
        direction: z.enum(["in", "out"]).default("in"),
        protocol: z.string().max(50),
        name: z.string().trim().min(1).max(200),
        secrets: z.array(secretText).max(20).optional(),
        mode: z.enum(["live", "test"]).optional(),
        /** connections fed by one account at the provider share it: the same fact is then counted once */
        provider_account: z.string().trim().min(1).max(200).optional(),
      }),
      answer: withSecret,
    },
    async ({ who, body, now }) => {
      if (body.direction === "out")
        throw problem(422, "not_supported_yet", "Outgoing connections are not available.", {
          errors: [{ path: "direction", message: "only in" }],
        });
      if (!protocols.some(({ name }) => name === body.protocol)) {
        const known = protocols.map(({ name }) => name).join(", ");
        throw problem(422, "protocol_unknown", `There is no protocol of that name. Known: ${known}.`, {
          errors: [{ path: "protocol", message: `one of ${known}` }],
        });
      }
      const mode = body.mode ?? who.mode;
      if (!who.modes.includes(mode) && who.keyMode === "test")
        throw problem(403, "mode_forbidden", "A test key makes test connections only.");
      const given = body.secrets?.length ? body.secrets : undefined;
      const made = given ? undefined : newToken();
      const id = newId(now);
      await inTransaction(house.pool, async (tx) => {
        const token = newToken();
        await tx.query(
          `insert into connection (account_id, id, direction, protocol, provider_account, name, mode, token_hash, token_sealed, created_at)
           values ($1, $2, 'in', $3, $4, $5, $6, $7, $8, $9)`,
          [
            who.accountId,
            id,
            body.protocol,
            body.provider_account ?? id,
            body.name,
            mode,
            sha256(token),
            house.seal.seal(token, `connection:${id}`),
            new Date(now),
          ],
        );
        await addSecrets(house, tx, who.accountId, id, given ?? [made!], now);
      });
      house.connectionsChanged();
      const shown = await one(api, { ...who, modes: [mode] }, id);
      return { ...shown, ...(made && { secret: made }) };
    },
  );

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/connections",
      tag,
      summary: "List connections, newest first",
      scope: "read",
      query: pageQuery,
      answer: pageOf(connectionSchema),
    },
    async ({ who, query }) => {
      const { rows, next_cursor } = page(
        await connectionRows(house, { accountId: who.accountId, modes: [who.mode], ...query }),
        query.limit,
      );
      return { data: await shownAll(api, who, rows), next_cursor };
    },
  );

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/connections/:id",
      tag,
      summary: "One connection, with its health",
      scope: "read",
      answer: connectionSchema,
    },
    ({ who, id }) => one(api, who, id()),
  );

  endpoint(
    api,
    {
      method: "patch",
      path: "/v1/connections/:id",
      tag,
      summary: "Rename or disable a connection",
      scope: "owner",
      body: z.object({ name: z.string().trim().min(1).max(200).optional(), disabled: z.boolean().optional() }),
      answer: connectionSchema,
    },
    async ({ who, body, now, id }) => {
      const { rowCount } = await house.pool.query(
        `update connection set
           name = coalesce($4, name),
           disabled_at = case when $5::boolean is null then disabled_at when $5 then coalesce(disabled_at, $6) end
         where account_id = $1 and id = $2 and mode = any($3)`,
        [who.accountId, id(), who.modes, body.name ?? null, body.disabled ?? null, new Date(now)],
      );
      if (rowCount === 0) throw notFound("connection");
      house.connectionsChanged();
      return one(api, who, id());
    },
  );

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
      answer: withSecret,
    },
    async ({ who, body, now, id }) => {
      await one(api, who, id());
      const made = body.secret === undefined ? newToken() : undefined;
      const hours = who.account.settings.secret_overlap_hours ?? defaults.secret_overlap_hours;
      await inTransaction(house.pool, async (tx) => {
        await endOldSecrets(tx, who.accountId, id(), now + hours * 3_600_000);
        await addSecrets(house, tx, who.accountId, id(), [body.secret ?? made!], now);
      });
      house.connectionsChanged();
      return { ...(await one(api, who, id())), ...(made && { secret: made }) };
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
      const connection = await one(api, who, id());
      if (!connection.secrets.some((secret) => secret.id === id("secret"))) throw notFound("secret");
      const rest = connection.secrets.filter(
        (secret) => secret.id !== id("secret") && (secret.expires_at === null || Date.parse(secret.expires_at) > now),
      );
      if (rest.length === 0)
        throw problem(
          409,
          "last_secret",
          "This is the last valid secret. Add the new one first, then delete this one.",
        );
      await house.pool.query("delete from connection_secret where account_id = $1 and connection_id = $2 and id = $3", [
        who.accountId,
        id(),
        id("secret"),
      ]);
      house.connectionsChanged();
      return one(api, who, id());
    },
  );
}

type Shown = z.input<typeof connectionSchema>;

async function one(api: Api, who: Who, id: string): Promise<Shown> {
  const rows = await connectionRows(api.house, { accountId: who.accountId, modes: who.modes, id, limit: 1 });
  const [shown] = await shownAll(api, who, rows);
  if (!shown) throw notFound("connection");
  return shown;
}

async function shownAll({ house }: Api, who: Who, rows: readonly ConnectionRow[]): Promise<Shown[]> {
  const secrets = await secretRows(
    house,
    who.accountId,
    rows.map((row) => row.id),
  );
  return rows.map((row) => ({
    id: row.id,
    url: `${house.publicUrl}/in/${house.seal.open(row.token_sealed, `connection:${row.id}`)}`,
    direction: row.direction,
    protocol: row.protocol,
    provider_account: row.provider_account,
    name: row.name,
    mode: row.mode,
    disabled: row.disabled_at !== null,
    created_at: iso(row.created_at),
    secrets: secrets.filter((secret) => secret.connection_id === row.id).map(shownSecretOf),
    last_received_at: iso(row.last_received_at),
    last_refused:
      row.refused_at === null
        ? null
        : { at: iso(row.refused_at), reason: row.refused_reason ?? "", sentence: row.refused_sentence ?? "" },
    unmapped_products: row.unmapped ?? [],
  }));
}

function shownSecretOf({ id, created_at, expires_at }: SecretRow): z.input<typeof shownSecret> {
  return { id, created_at: iso(created_at), expires_at: iso(expires_at) };
}
