import type { Mode } from "@paybell/protocols/domain/fact";
import type { Logger } from "pino";
import { isUnavailable } from "../db/pool.ts";
import type { Feed, Position } from "../send/feed.ts";

/** Messages in the format of server-sent events. */
export type Batch = {
  /** "": none that are wanted */
  readonly text: string;
  /** behind what was looked at */
  readonly position: Position;
  readonly more: boolean;
  /** more is there, and may not be read yet */
  readonly held: boolean;
};

export type Source = {
  readonly accountId: string;
  readonly mode: Mode;
  readonly from: Position;
  /** said at once, so that the reader knows it is heard */
  readonly greeting: string;
  /** @returns a word on why there is no more to read, such as a connection that was removed */
  read(after: Position): Promise<Batch | { readonly over: string }>;
  /** whether the reader may still read */
  allowed(): Promise<boolean>;
  /** called once */
  ended(): void;
};

/**
 * A body that goes on for as long as its reader stays. It reads from the store only when its reader has taken what was
 * read before, so one page is all that lies in memory. At each beat it says something, as proxies drop what is silent;
 * at every second one it asks whether the reader still may. A reader who takes nothing for two of them is let go.
 */
export function streamBody(
  feed: Feed,
  source: Source,
  log: Pick<Logger, "error">,
  beatMs = 15_000,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let position = source.from;
  /** of what the reader could name as the last it had seen */
  let told = position.id;
  let greeting = source.greeting;
  let fresh = true;
  let due = false;
  let over = false;
  /** the reader waits for something */
  let asked = false;
  let beats = 0;
  let beatsUnasked = 0;
  let heldMs = shortestHeldMs;
  let later: NodeJS.Timeout | undefined;
  let wake = () => {};
  let unwatch = () => {};
  let beating: NodeJS.Timeout | undefined;
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

  return new ReadableStream(
    {
      start(given) {
        controller = given;
        const { accountId, mode } = source;
        unwatch = feed.watch({ accountId, mode, position: () => position, news, end: () => end() });
        if (over) return;
        beating = setInterval(beat, beatMs);
        beating.unref();
      },
      async pull() {
        asked = true;
        beatsUnasked = 0;
        const text = await next();
        asked = false;
        if (!over) controller.enqueue(encoder.encode(text));
      },
      cancel: () => leave(),
    },
    { highWaterMark: 0 },
  );

  /** Resolves when there is something to say, or nothing ever again. */
  async function next(): Promise<string> {
    for (;;) {
      if (over) return "";
      if (greeting !== "") {
        const text = greeting;
        greeting = "";
        return text;
      }
      if (fresh) {
        fresh = false;
        const text = await readOn();
        if (text !== "") return text;
      } else if (due) {
        due = false;
        // What was looked at and not wanted need not be looked at again.
        if (told === position.id) return ":\n\n";
        told = position.id;
        return `:\nid: ${position.id}\n\n`;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }

  async function readOn(): Promise<string> {
    try {
      const batch = await feed.inTurn(() => source.read(position));
      if ("over" in batch) {
        end(batch.over);
        return "";
      }
      position = batch.position;
      if (batch.more) fresh = true;
      else if (batch.held) readLater();
      if (batch.text === "") return "";
      told = position.id;
      heldMs = shortestHeldMs;
      return batch.text;
    } catch (error) {
      if (isUnavailable(error)) readLater();
      else {
        log.error({ name: (error as Error).name, code: (error as { code?: string }).code }, "A stream broke off.");
        end("Something went wrong on our side.");
      }
      return "";
    }
  }

  function readLater(): void {
    clearTimeout(later);
    later = setTimeout(news, heldMs);
    later.unref();
    heldMs = Math.min(2 * heldMs, longestHeldMs);
  }

  function news(): void {
    fresh = true;
    wake();
  }

  function beat(): void {
    beats++;
    due = true;
    wake();
    if (!asked && ++beatsUnasked >= 2) return cut();
    if (beats % 2 === 0) void check();
  }

  async function check(): Promise<void> {
    try {
      if (!(await source.allowed())) end("The API key was revoked.");
    } catch {
      // Asked again at a later beat; while the store is away there is nothing to read either.
    }
  }

  /** @param word why, for whoever looks at the stream itself */
  function end(word?: string): void {
    if (over) return;
    leave();
    if (word !== undefined) controller.enqueue(encoder.encode(`: ${word}\n\n`));
    controller.close();
  }

  function cut(): void {
    leave();
    const slow = new Error("A stream was cut, as its reader took nothing.");
    // What serves it prints the stack, and there is nothing to be found in it.
    slow.stack = slow.message;
    controller.error(slow);
  }

  function leave(): void {
    if (over) return;
    over = true;
    clearInterval(beating);
    clearTimeout(later);
    unwatch();
    source.ended();
    wake();
  }
}

/** Transactions are short: what is held by one is free within milliseconds. */
const shortestHeldMs = 5;
const longestHeldMs = 1000;
