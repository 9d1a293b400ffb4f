import type { MiddlewareHandler } from "hono";
import type { Instant } from "@paybell/protocols/domain/day";
import { sha256 } from "../domain/id.ts";
import type { House } from "../house.ts";
import type { ApiEnv, Who } from "./auth.ts";
import { problem } from "./problem.ts";

/**
 * `Idempotency-Key` on a POST: the same request under the same key is done once, and answered the same way for
 * 30 days. Only successes are kept; what was refused changed nothing and may be tried again.
 * Problems: `idempotency_key_reused`, `idempotency_in_progress`, `idempotency_key_malformed`
 */
export function idempotent(house: House): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const given = c.req.method === "POST" ? idempotencyKey(c.req.header("idempotency-key")) : null;
    if (given === null) return next();
    const who = c.get("who");
    const key = `${who.mode}:${given}`;
    const { pathname, search } = new URL(c.req.url);
    const body = c.get("body");
    // The scope is part of the request: an answer may hold a secret that a lesser key must not read here.
    const asked = `${c.req.method} ${pathname}${search} ${who.scope} ${who.keyMode}\n`;
    const hash = sha256(Buffer.concat([Buffer.from(asked), body]));

    if (!(await begin(house, who, key, hash))) return await earlier(house, who, key, hash);
    // What was done stays under its key even when its answer cannot be kept: better no second answer than a second act.
    let acted = false;
    try {
      await next();
      acted = c.res.ok;
      if (!acted) return;
      const answer: Kept = {
        type: c.res.headers.get("content-type") ?? "application/json",
        body: await c.res.clone().text(),
      };
      await finish(house, who, key, c.res.status, answer);
    } finally {
      if (!acted) await forget(house, who, key, hash);
    }
  };
}

export const keyPattern = /^[\x21-\x7e]{1,255}$/;

/** @throws the problem `idempotency_key_malformed` */
export function idempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (keyPattern.test(header)) return header;
  const detail = "Idempotency-Key must be 1 to 255 printable ASCII characters without blanks.";
  throw problem(400, "idempotency_key_malformed", detail);
}

const keptMs = 30 * 86_400_000;
/** A request whose node died leaves its row behind; after this it may be done again. */
const abandonedMs = 5 * 60_000;

type Kept = { readonly type: string; readonly body: string };

/** Drops what is older than 30 days. @returns how many */
export async function dropOldAnswers({ pool }: Pick<House, "pool">, now: Instant): Promise<number> {
  const { rowCount } = await pool.query("delete from idempotency where created_at < $1", [new Date(now - keptMs)]);
  return rowCount ?? 0;
}

/** @returns false: the key was used before */
async function begin({ pool, clock }: House, who: Who, key: string, hash: Buffer): Promise<boolean> {
  const now = clock();
  const { rowCount } = await pool.query({
    name: "begin_idempotent",
    text: `
      insert into idempotency (account_id, key, request_hash, created_at) values ($1, $2, $3, $4)
      on conflict (account_id, key) do update
        set request_hash = excluded.request_hash, status = null, response = null, created_at = excluded.created_at
        where idempotency.created_at < $5 or (idempotency.status is null and idempotency.created_at < $6)`,
    values: [who.accountId, key, hash, new Date(now), new Date(now - keptMs), new Date(now - abandonedMs)],
  });
  return rowCount === 1;
}

async function earlier({ pool, seal }: House, who: Who, key: string, hash: Buffer): Promise<Response> {
  const { rows } = await pool.query<{ request_hash: Buffer; status: number | null; response: Buffer | null }>(
    "select request_hash, status, response from idempotency where account_id = $1 and key = $2",
    [who.accountId, key],
  );
  const row = rows[0];
  if (row && !row.request_hash.equals(hash))
    throw problem(422, "idempotency_key_reused", "This Idempotency-Key was used for another request.");
  if (!row || row.status === null || row.response === null)
    throw problem(409, "idempotency_in_progress", "The first request with this key is still being worked on.", {
      headers: { "retry-after": "1" },
    });
  const { type, body } = JSON.parse(seal.open(row.response, sealedAnswer(who.accountId, key))) as Kept;
  return new Response(body === "" ? null : body, {
    status: row.status,
    headers: { "content-type": type, "idempotency-replayed": "true" },
  });
}

async function finish({ pool, seal }: House, who: Who, key: string, status: number, answer: Kept): Promise<void> {
  await pool.query({
    name: "finish_idempotent",
    text: "update idempotency set status = $3, response = $4 where account_id = $1 and key = $2",
    values: [who.accountId, key, status, seal.seal(JSON.stringify(answer), sealedAnswer(who.accountId, key))],
  });
}

async function forget({ pool }: House, who: Who, key: string, hash: Buffer): Promise<void> {
  await pool.query(
    "delete from idempotency where account_id = $1 and key = $2 and request_hash = $3 and status is null",
    [who.accountId, key, hash],
  );
}

/** The place an answer is sealed for. */
export function sealedAnswer(accountId: string, key: string): string {
  return `idempotency:${accountId}:${key}`;
}
