import type { MiddlewareHandler } from "hono";
import { readBody } from "../receive/read-body.ts";
import type { ApiEnv } from "./auth.ts";
import { problemResponse } from "./problem.ts";

/**
 * Reads a body once, up to so many MiB, for everybody behind it; the first on the way decides. What is put is a file,
 * read in pieces by its own route.
 * Hono's own limit makes a new Request of the one it is given, which fails for the Request of a Node server.
 */
export function limitedBody(limitMiB: number): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (c.req.method === "PUT" || c.req.method === "GET" || c.req.method === "HEAD") return next();
    if (c.get("body") !== undefined) return next();
    const body = await readBody(c.req.raw, limitMiB * 1024 * 1024);
    if (body === "too_large") return problemResponse(413, "body_too_large", `The body is larger than ${limitMiB} MiB.`);
    if (body === "broken") return problemResponse(400, "body_incomplete", "The body did not arrive in full.");
    c.set("body", body);
    return next();
  };
}
