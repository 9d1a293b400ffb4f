import type { Context as HonoContext } from "hono";
import { HTTPException } from "hono/http-exception";
import { z } from "zod";
import type { Context } from "../context.ts";
import { isUnavailable } from "../db/pool.ts";

/** What an answer that is no success looks like. Source: RFC 9457 */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** stable: scripts may rely on it */
  code: z.string(),
  /** which fields, where the request itself is at fault */
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

export type FieldError = { readonly path: string; readonly message: string };
export type ProblemStatus = keyof typeof titles;

/** To be thrown by a handler: ends the request with a problem. */
export function problem(
  status: ProblemStatus,
  code: string,
  detail: string,
  more: { readonly errors?: readonly FieldError[]; readonly headers?: Readonly<Record<string, string>> } = {},
): HTTPException {
  return new HTTPException(status, { message: detail, res: problemResponse(status, code, detail, more) });
}

export function problemResponse(
  status: ProblemStatus,
  code: string,
  detail: string,
  { errors, headers }: Parameters<typeof problem>[3] & object = {},
): Response {
  const body = { type: "about:blank", title: titles[status], status, detail, code, ...(errors && { errors }) };
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, "content-type": "application/problem+json" },
  });
}

/** Nothing of that id in this account (and mode): the same answer whether it is somebody else's or nobody's. */
export function notFound(what: string): HTTPException {
  return problem(404, "not_found", `There is no such ${what}.`);
}

/** The last to see an error: everything thrown on the way becomes a problem here, and nowhere else. */
export function answerError({ log }: Pick<Context, "log">): (error: Error, c: HonoContext) => Response {
  return (error, c) => {
    if (error instanceof HTTPException) return error.getResponse();
    if (isUnavailable(error)) {
      log.warn({ code: "store_unavailable", path: c.req.path }, "The store could not be reached for a request.");
      return problemResponse(503, "store_unavailable", "The store cannot be reached right now. Try again shortly.", {
        headers: { "retry-after": "2" },
      });
    }
    // Messages of the store can quote values, so only their kind and place are logged.
    const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
    if (code !== undefined && unstorable.has(code))
      return problemResponse(422, "invalid_request", "Text cannot hold the character U+0000.");
    if (code !== undefined && contended.has(code))
      return problemResponse(503, "store_busy", "Others are changing the same thing right now. Try again shortly.", {
        headers: { "retry-after": "2" },
      });
    const stack = error.stack?.split("\n").filter((line) => /^\s+at /.test(line));
    log.error({ name: error.name, code, stack, method: c.req.method, path: c.req.routePath }, "A request failed.");
    return problemResponse(500, "internal", "Something went wrong on our side. It has been logged.");
  };
}

/** character_not_in_repertoire, untranslatable_character. Source: PostgreSQL 18, appendix A */
const unstorable = new Set(["22021", "22P05"]);
/** serialization_failure, deadlock_detected, query_canceled (statement_timeout: a lock was waited for in vain) */
const contended = new Set(["40001", "40P01", "57014"]);

const titles = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;
