import { z } from "zod";
import { type Failure, failure } from "../cli/failure.ts";

/** The HTTP API of a running Paybell, as its own simulator needs it. */
export type ApiClient = {
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: object, schema: z.ZodType<T>): Promise<T>;
};

type Access = {
  /** of the server, without a slash at its end */
  readonly url: string;
  readonly key: string;
  readonly fetch: (request: Request) => Promise<Response>;
};

/** Its methods throw a Failure: server_unreachable, key_missing …, the code of the problem that was answered. */
export function createApiClient({ url, key, fetch }: Access): ApiClient {
  return {
    get: (path, schema) => ask(path, {}, schema),
    post: (path, body, schema) => ask(path, { method: "POST", body: JSON.stringify(body) }, schema),
  };

  async function ask<T>(path: string, init: RequestInit, schema: z.ZodType<T>): Promise<T> {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const signal = AbortSignal.timeout(15_000);
    const response = await fetch(new Request(`${url}${path}`, { ...init, headers, signal })).catch(() => {
      throw unreachable(url);
    });
    const text = await response.text();
    if (response.ok) {
      const answer = schema.safeParse(parsed(text));
      if (answer.success) return answer.data;
    }
    throw refusal(url, response, text);
  }
}

/** To be thrown for an answer that is not what was asked for. */
export function refusal(url: string, { ok, status }: Pick<Response, "ok" | "status">, text: string): Failure {
  const problem = problemSchema.safeParse(parsed(text));
  if (ok || !problem.success)
    return failure("answer_unexpected", `What answers at ${url} is not the API of Paybell (status ${status}).`);
  return failure(problem.data.code, `${problem.data.detail}${hints[problem.data.code] ?? ""}`);
}

/** To be thrown when nothing answers. */
export function unreachable(url: string): Failure {
  return failure(
    "server_unreachable",
    `Nothing answers at ${url}: start Paybell there first, or name another server with --url.`,
  );
}

const problemSchema = z.object({ code: z.string().regex(/^[a-z]+(_[a-z]+)+$/), detail: z.string() });

const hints: Readonly<Record<string, string>> = {
  key_unknown:
    " The owner key was shown when the server started for the first time; to let another one in, start it once with PAYBELL_API_KEY set to that one.",
  scope_missing: " Use the owner key.",
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
