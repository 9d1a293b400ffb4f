import type { CopecartMessage } from "@paybell/protocols/copecart/fields";
import { render, type RenderOptions } from "@paybell/protocols/copecart/render";
import { sign } from "@paybell/protocols/copecart/sign";

/** One try to bring a notification. */
export type Attempt = {
  /** from 1 */
  readonly number: number;
  readonly took: number;
  readonly result:
    | { readonly kind: "delivered" }
    /** answered, but not with 200 and `OK` */
    | { readonly kind: "refused"; readonly status: number; readonly answer: string }
    | { readonly kind: "unreachable"; readonly sentence: string };
};

export type Target = { readonly url: string; readonly secret: string };

export type Repeats = {
  /** after the first attempt */
  readonly count: number;
  readonly everyMs: number;
  wait(ms: number): Promise<unknown>;
  /** told of every attempt as soon as it is over */
  heard?(attempt: Attempt): void;
};

/** Ten repeats over three hours, evenly spaced. Source: CopeCart "IPN" 1.6.7 for number and span; the spacing is a guess */
export const copecartRepeats = { count: 10, everyMs: (3 * 3_600_000) / 10 } as const;

/**
 * Brings one message as CopeCart does: printed once, signed once, the same bytes on every repeat, delivered only
 * by status 200 with the body `OK`.
 * @returns the last attempt
 */
export async function bring(
  message: CopecartMessage,
  { url, secret }: Target,
  options: RenderOptions,
  repeats: Repeats,
): Promise<Attempt> {
  const body = render(message, options);
  const signature = await sign(body, secret);
  for (let number = 1; ; number++) {
    const began = performance.now();
    const result = await post(url, body, signature);
    const attempt: Attempt = { number, took: Math.round(performance.now() - began), result };
    repeats.heard?.(attempt);
    if (result.kind === "delivered" || number > repeats.count) return attempt;
    await repeats.wait(repeats.everyMs);
  }
}

async function post(url: string, body: Uint8Array<ArrayBuffer>, signature: string): Promise<Attempt["result"]> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "Copecart", "x-copecart-signature": signature },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const answer = await beginning(response);
    if (response.status === 200 && answer === "OK") return { kind: "delivered" };
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
