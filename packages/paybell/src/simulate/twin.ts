import type { Signed } from "@paybell/protocols/format";
import type { Telling, Voice } from "./voice.ts";

/** One try to bring a notification. */
export type Attempt = {
  /** from 1 */
  readonly number: number;
  readonly took: number;
  readonly result:
    | { readonly kind: "delivered"; readonly status: number; readonly answer: string }
    /** answered, but not as the provider wants it */
    | { readonly kind: "refused"; readonly status: number; readonly answer: string }
    | { readonly kind: "unreachable"; readonly sentence: string };
};

export type Target = { readonly url: string; readonly secret: string };

export type Repeats = {
  /** milliseconds before each */
  readonly afterMs: readonly number[];
  wait(ms: number): Promise<unknown>;
  /** told of every attempt as soon as it is over */
  heard?(attempt: Attempt): void;
};

/**
 * Brings one notification as the provider does: printed once, the same bytes on every repeat.
 * @returns the last attempt
 */
export async function bring(
  voice: Voice,
  telling: Telling,
  { url, secret }: Target,
  repeats: Repeats,
): Promise<Attempt> {
  for (let number = 1; ; number++) {
    const began = performance.now();
    const result = await post(voice, url, await voice.sign(telling, secret, Date.now()));
    const attempt: Attempt = { number, took: Math.round(performance.now() - began), result };
    repeats.heard?.(attempt);
    const waitMs = repeats.afterMs[number - 1];
    if (result.kind === "delivered" || waitMs === undefined) return attempt;
    await repeats.wait(waitMs);
  }
}

async function post(voice: Voice, url: string, { headers, body }: Signed): Promise<Attempt["result"]> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const answer = await beginning(response);
    if (voice.accepts(response.status, answer)) return { kind: "delivered", status: response.status, answer };
    return { kind: "refused", status: response.status, answer };
  } catch (error) {
    return { kind: "unreachable", sentence: reasonOf(error) };
  }
}

/** Not documented; generous, so that a slow receiver is told apart from a dead one. */
const timeoutMs = 10_000;

/** At most a few hundred characters of an answer are worth showing. */
async function beginning(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > 300) break;
  }
  return text.slice(0, 300);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "no answer";
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs / 1000} s`;
  const { code }: { code?: unknown } = Object(error.cause);
  if (code === "ECONNREFUSED") return "nothing listens there";
  return typeof code === "string" ? `no connection (${code})` : "no connection";
}
