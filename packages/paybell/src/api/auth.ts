import type { Mode } from "@paybell/protocols/domain/fact";
import type { MiddlewareHandler } from "hono";
import { isId } from "../domain/id.ts";
import type { AccountSettings } from "../domain/settings.ts";
import type { House } from "../house.ts";
import { createFindKey } from "./key-rows.ts";
import { problem } from "./problem.ts";

export type Scope = "read" | "write" | "owner";

/** Who asks, and what they may see. Every query is bound to `accountId` and a mode. */
export type Who = {
  readonly accountId: string;
  readonly account: {
    readonly name: string;
    readonly settings: AccountSettings;
    readonly zone: string;
    /** null: it may have accounts of its own */
    readonly parentId: string | null;
  };
  readonly keyId: string;
  readonly scope: Scope;
  readonly keyMode: Mode;
  /** what lists show and writes touch */
  readonly mode: Mode;
  /** in which modes something is found by its id: a live key finds test rows too, unless it asked for one mode */
  readonly modes: readonly Mode[];
};

/** `body`: read by api/body.ts */
export type ApiEnv = { Variables: { who: Who; body: Uint8Array } };

/**
 * Reads `Authorization: Bearer <key>`, `?mode=` and `Paybell-Account`.
 */
export function authenticate(house: House): MiddlewareHandler<ApiEnv> {
  const findKey = createFindKey(house);
  return async (c, next) => {
    const key = /^Bearer +(\S{1,500})$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (!key) throw unauthorised("key_missing", "Send an API key as: Authorization: Bearer <key>.");
    const actFor = c.req.header("paybell-account");
    const row = await findKey(key, isId(actFor) ? actFor : null);
    if (!row) throw unauthorised("key_unknown", "This API key does not exist, or it was revoked.");
    if (actFor !== undefined && actFor !== row.account_id && (row.scope !== "owner" || row.child_id === null))
      throw problem(404, "account_not_found", "There is no such account among those this key may act for.");

    const acting = actFor !== undefined && actFor !== row.account_id;
    const settings = (acting ? row.child_settings : null) ?? row.settings;
    const asked = modeAsked(c.req.query("mode"), row.mode);
    c.set("who", {
      accountId: acting ? row.child_id! : row.account_id,
      account: {
        name: acting ? row.child_name! : row.name,
        settings,
        zone: settings.time_zone ?? house.timeZone,
        parentId: acting ? row.account_id : row.parent_id,
      },
      keyId: row.id,
      scope: row.scope,
      keyMode: row.mode,
      mode: asked ?? row.mode,
      modes: asked ? [asked] : row.mode === "test" ? ["test"] : ["live", "test"],
    });
    await next();
  };
}

/** @throws the problem `scope_missing` */
export function demandScope(who: Who, scope: Scope): void {
  if (rank[who.scope] < rank[scope])
    throw problem(403, "scope_missing", `This needs a key with the scope ${scope}; this one has ${who.scope}.`);
}

const rank: Record<Scope, number> = { read: 0, write: 1, owner: 2 };

function modeAsked(text: string | undefined, keyMode: Mode): Mode | undefined {
  if (text === undefined) return undefined;
  if (text !== "live" && text !== "test") {
    const message = "must be live or test";
    throw problem(422, "invalid_request", `mode ${message}.`, { errors: [{ path: "mode", message }] });
  }
  if (keyMode === "test" && text === "live")
    throw problem(403, "mode_forbidden", "A test key sees and changes the test space only.");
  return text;
}

function unauthorised(code: string, detail: string) {
  return problem(401, code, detail, { headers: { "www-authenticate": 'Bearer realm="Paybell"' } });
}
