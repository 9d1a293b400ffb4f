import type { Context as HonoContext, Hono } from "hono";
import { describeRoute, type DescribeRouteOptions } from "hono-openapi";
import { z } from "zod";
import { isId } from "../domain/id.ts";
import type { House } from "../house.ts";
import { type ApiEnv, demandScope, type Scope, type Who } from "./auth.ts";
import { type FieldError, notFound, problem } from "./problem.ts";

/** What a file with routes is given; `createApi` calls each such file once. */
export type Api = { readonly app: Hono<ApiEnv>; readonly house: House };

/** A route: what it is called, who may call it, what it takes and what it answers. */
export type Endpoint<Q extends z.ZodObject, B extends z.ZodType, A extends z.ZodType> = {
  readonly method: "get" | "post" | "patch" | "put" | "delete";
  /** from the root, `/v1/orders/:id` */
  readonly path: `/v1/${string}`;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly scope: Scope;
  /** changes what live and test share: not for test keys */
  readonly liveOnly?: true;
  readonly query?: Q;
  readonly body?: B;
  /** reads a body of `text/plain` into what `body` takes */
  readonly plainText?: (text: string) => unknown;
  /** the body is handed on as it is, and checked by the route itself */
  readonly bodyChecked?: "later";
  /** does not wait until what this node answered is applied: it reads nothing of that */
  readonly ahead?: true;
  /** default 200 */
  readonly status?: 200 | 201 | 202;
  readonly answer: A;
  /** default application/json */
  readonly answers?: "text/event-stream";
};

export type Call<Q extends z.ZodObject, B extends z.ZodType> = {
  readonly who: Who;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
  readonly now: number;
  /** @throws the problem `not_found` when the path holds no id there */
  readonly id: (name?: string) => string;
  readonly c: HonoContext<ApiEnv>;
};

/**
 * Adds a route: described in /openapi.json, its scope checked, its query and body validated by the schemas it
 * is described with. It waits until what this node answered is applied, so that nobody reads what was before.
 * @param act returns the answer as data, or a Response of its own making
 */
export function endpoint<
  A extends z.ZodType,
  Q extends z.ZodObject = z.ZodObject<Record<never, never>>,
  B extends z.ZodType = z.ZodUndefined,
>(
  { app, house }: Api,
  spec: Endpoint<Q, B, A>,
  act: (call: Call<Q, B>) => Promise<z.input<A> | Response> | z.input<A> | Response,
): void {
  app.on(spec.method.toUpperCase(), spec.path, describeRoute(describe(spec)), async (c) => {
    const who = c.get("who");
    demandScope(who, spec.scope);
    if (spec.liveOnly && who.keyMode === "test")
      throw problem(403, "mode_forbidden", "This concerns live and test alike: use a live key.");
    const query = spec.query ? valid(spec.query, c.req.query(), "query") : ({} as z.output<Q>);
    const body = await bodyOf(c, spec);
    const id = (name = "id") => {
      const text = c.req.param(name)?.toLowerCase();
      if (!isId(text)) throw notFound("thing");
      return text;
    };
    if (!spec.ahead) await house.caughtUp();
    const answer = await act({ who, query, body, now: house.clock(), id, c });
    return answer instanceof Response ? answer : c.json(answer as object, spec.status ?? 200);
  });
}

export function valid<T extends z.ZodType>(schema: T, value: unknown, place: "query" | "body"): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap((issue) => fieldErrors(issue, value)).slice(0, 50);
  throw problem(422, "invalid_request", `The ${place} does not fit: ${sentence(errors[0]!)}`, { errors });
}

/** A field nobody knows is named as such, and not as a fault of what it lies in. */
function fieldErrors(issue: z.core.$ZodIssue, value: unknown): FieldError[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      path: [...issue.path, key].map(String).join("."),
      message: "is not known here",
    }));
  return [{ path: issue.path.map(String).join("."), message: absence(issue, value) ?? issue.message }];
}

/** The validator's own words tell of types, and not that nothing was there. */
function absence({ code, path }: z.core.$ZodIssue, value: unknown): string | undefined {
  if (code === "custom" || path.length === 0) return undefined;
  const given = valueAt(value, path);
  if (given === undefined) return "is missing";
  return given === null ? "must not be null" : undefined;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inside, name) =>
      typeof inside === "object" && inside !== null ? (inside as Record<PropertyKey, unknown>)[name] : undefined,
    value,
  );
}

/** `product.id is missing`; what is no verb's continuation stands behind a colon. */
function sentence({ path, message }: FieldError): string {
  if (path === "") return message;
  return /^(is|must) /.test(message) ? `${path} ${message}.` : `${path}: ${message}`;
}

async function bodyOf<Q extends z.ZodObject, B extends z.ZodType, A extends z.ZodType>(
  c: HonoContext<ApiEnv>,
  { body, bodyChecked, plainText }: Endpoint<Q, B, A>,
): Promise<z.output<B>> {
  if (!body) return undefined as z.output<B>;
  const given = await readBody(c, plainText);
  return bodyChecked === "later" ? (given as z.output<B>) : valid(body, given, "body");
}

export async function readBody(c: HonoContext, plainText?: (text: string) => unknown): Promise<unknown> {
  const type = (c.req.header("content-type") ?? "application/json").split(";")[0]!.trim().toLowerCase();
  const text = new TextDecoder().decode(c.get("body"));
  if (plainText && type === "text/plain") return plainText(text);
  if (text === "") return {};
  if (type !== "application/json" && !type.endsWith("+json"))
    throw problem(415, "unsupported_media_type", "Send the body as JSON, with Content-Type: application/json.");
  try {
    return JSON.parse(text);
  } catch {
    throw problem(400, "invalid_json", "The body is not valid JSON.");
  }
}

function describe<Q extends z.ZodObject, B extends z.ZodType, A extends z.ZodType>(
  spec: Endpoint<Q, B, A>,
): DescribeRouteOptions {
  const pathNames = [...spec.path.matchAll(/:(\w+)/g)].map((match) => match[1]!);
  const body = spec.body && schemaOf(spec.body, "input");
  return {
    summary: spec.summary,
    ...(spec.description && { description: spec.description }),
    tags: [spec.tag],
    operationId: `${spec.method}_${spec.path.slice(4).replaceAll(/[/:-]+/g, "_")}`,
    security: [{ key: [] }],
    parameters: [
      ...pathNames.map((name) => ({ name, in: "path", required: true, schema: { type: "string" as const } })),
      ...(spec.query ? queryParameters(spec.query) : []),
      { $ref: "#/components/parameters/mode" },
      { $ref: "#/components/parameters/account" },
      ...(spec.method === "post" ? [{ $ref: "#/components/parameters/idempotencyKey" }] : []),
    ],
    ...(body && {
      requestBody: {
        content: {
          "application/json": { schema: body },
          ...(spec.plainText && { "text/plain": { schema: { type: "string" as const } } }),
        },
      },
    }),
    responses: {
      [spec.status ?? 200]: {
        description: spec.summary,
        content: { [spec.answers ?? "application/json"]: { schema: schemaOf(spec.answer, "output") } },
      },
      default: { $ref: "#/components/responses/problem" },
    },
    "x-scope": spec.scope,
  } as DescribeRouteOptions;
}

/** OpenAPI 3.1 takes JSON Schema 2020-12 as it is. */
export function schemaOf(schema: z.ZodType, io: "input" | "output"): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}

function queryParameters(query: z.ZodObject): object[] {
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}
