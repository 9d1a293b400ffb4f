import { refusal, unreachable } from "../simulate/api-client.ts";
import { readEventStream, type StreamMessage } from "./event-stream.ts";
import type { Failure } from "./failure.ts";

/** The live feed of a running Paybell. */
export type FeedAddress = {
  /** of the server, without a slash at its end */
  readonly url: string;
  readonly key: string;
  readonly query: URLSearchParams;
};

export type Following = {
  /** ends it */
  readonly signal: AbortSignal;
  /** the server listens to us: for the first time, or again */
  connected(isAgain: boolean): void;
  lost(): void;
  readonly wait: (ms: number) => Promise<unknown>;
};

/**
 * Messages as they come, until the signal. When the server is away it is called again until it is back, and goes on
 * behind the last message that was taken: none is missed, none comes twice.
 * @throws Failure: it does not answer at first, or refuses for good
 */
export async function* follow(feed: FeedAddress, how: Following): AsyncGenerator<StreamMessage, void, undefined> {
  let last: string | undefined;
  let wasConnected = false;
  let tries = 0;
  while (!how.signal.aborted) {
    try {
      let isGreeted = false;
      for await (const part of readEventStream(await called(feed, last, how.signal))) {
        if (how.signal.aborted) return;
        // The first thing said tells from where on nothing is missed.
        if (!isGreeted) how.connected(wasConnected);
        isGreeted = wasConnected = true;
        tries = 0;
        // Handed on before it counts: what is cut off in between comes again.
        if ("data" in part) yield part;
        if (part.id !== "") last = part.id;
      }
    } catch (error) {
      if (how.signal.aborted) return;
      if (!wasConnected || isFinal(error)) throw error;
    }
    if (how.signal.aborted) return;
    if (tries === 0) how.lost();
    await how.wait(Math.min(10_000, 1000 * 2 ** tries++));
  }
}

async function called(
  { url, key, query }: FeedAddress,
  last: string | undefined,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const headers = { authorization: `Bearer ${key}`, ...(last !== undefined && { "last-event-id": last }) };
  let response: Response;
  try {
    response = await fetch(`${url}/v1/stream?${query}`, { headers, signal });
  } catch {
    throw unreachable(url);
  }
  if (response.ok && response.body && response.headers.get("content-type")?.startsWith("text/event-stream"))
    return response.body;
  throw refusal(url, response, await response.text().catch(() => ""));
}

/** What is answered when a server starts, stops or is asked too often passes; what a proxy answers for it, too. */
function isFinal(error: unknown): boolean {
  const { code = "" } = error as Partial<Failure>;
  return /^[a-z]+(_[a-z]+)+$/.test(code) && !passing.has(code);
}

const passing = new Set([
  "server_unreachable",
  "answer_unexpected",
  "store_unavailable",
  "store_busy",
  "too_many_streams",
  "too_many_requests",
]);
