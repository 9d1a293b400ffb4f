import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import { z } from "zod";
import { inTransaction } from "../db/transaction.ts";
import { newId, newToken, sha256 } from "../domain/id.ts";
import type { Scope } from "./auth.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant } from "./instant.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound, problem } from "./problem.ts";

const keySchema = z.object({
  id: z.string(),
  name: z.string(),
  scope: z.enum(["read", "write", "owner"]),
  mode: z.enum(["live", "test"]),
  /** its last four characters */
  hint: z.string(),
  created_at: isoInstant,
  revoked_at: isoInstant.nullable(),
});

export function keys(api: Api): void {
  const { house } = api;
  const { pool } = house;
  const tag = "keys";

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/keys",
      tag,
      summary: "Make an API key",
      description: "The key is shown once, in this answer.",
      scope: "owner",
      status: 201,
      body: z.object({
        name: z.string().trim().min(1).max(200),
        scope: z.enum(["read", "write", "owner"]),
        mode: z.enum(["live", "test"]).optional(),
      }),
      answer: keySchema.extend({ key: z.string() }),
    },
    async ({ who, body, now }) => {
      const mode = body.mode ?? who.mode;
      if (who.keyMode === "test" && mode === "live")
        throw problem(403, "mode_forbidden", "A test key makes test keys only.");
      const key = `pb_${mode}_${newToken()}`;
      const row = { id: newId(now), name: body.name, scope: body.scope, mode, hint: key.slice(-4) };
      await pool.query(
        "insert into api_key (account_id, id, name, hash, hint, scope, mode, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        [who.accountId, row.id, row.name, sha256(key), row.hint, row.scope, mode, new Date(now)],
      );
      return { ...row, created_at: iso(now), revoked_at: null, key };
    },
  );

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/keys",
      tag,
      summary: "List API keys, newest first",
      scope: "owner",
      query: pageQuery,
      answer: pageOf(keySchema),
    },
    async ({ who, query }) => {
      const { rows: found } = await pool.query<KeyRow>(
        `select ${columns} from api_key where account_id = $1 and mode = any($2) and ($3::uuid is null or id < $3)
         order by id desc limit $4 + 1`,
        [who.accountId, who.modes, query.cursor ?? null, query.limit],
      );
      const { rows, next_cursor } = page(found, query.limit);
      return { data: rows.map(shown), next_cursor };
    },
  );

  endpoint(
    api,
    {
      method: "delete",
      path: "/v1/keys/:id",
      tag,
      summary: "Revoke an API key",
      description: "At once, on every node. The last live owner key stays.",
      scope: "owner",
      answer: keySchema,
    },
    async ({ who, now, id }) => {
      const revoked = await inTransaction(pool, async (tx) => {
        // All owner keys are locked: two revocations at once must not take the last two.
        const { rows: owners } = await tx.query<{ id: string }>(
          `select id from api_key where account_id = $1 and scope = 'owner' and mode = 'live' and revoked_at is null
           order by id for update`,
          [who.accountId],
        );
        if (owners.length === 1 && owners[0]!.id === id())
          throw problem(409, "last_owner_key", "This is the last owner key. Make another one first.");
        const { rows } = await tx.query<KeyRow>(
          `update api_key set revoked_at = coalesce(revoked_at, $4) where account_id = $1 and id = $2 and mode = any($3)
           returning ${columns}`,
          [who.accountId, id(), who.modes, new Date(now)],
        );
        if (!rows[0]) throw notFound("key");
        return shown(rows[0]);
      });
      house.keysChanged();
      return revoked;
    },
  );
}

const columns = "id, name, scope, mode, hint, created_at, revoked_at";

type KeyRow = {
  id: string;
  name: string;
  scope: Scope;
  mode: Mode;
  hint: string;
  created_at: Instant;
  revoked_at: Instant | null;
};

function shown(row: KeyRow): z.input<typeof keySchema> {
  return { ...row, created_at: iso(row.created_at), revoked_at: iso(row.revoked_at) };
}
