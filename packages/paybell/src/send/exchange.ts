import type { Dispatcher } from "undici";
import { explainCall, type Failure } from "./failure.ts";

export type Answer = {
  readonly status: number;
  readonly headers: {
    /** as it came, at most 64 characters; of more than one the first */
    readonly retryAfter: string | null;
  };
  /** the first 1,024 characters, without NUL */
  readonly body: string;
  /** all of it, where it was asked for */
  readonly bytes?: Uint8Array<ArrayBuffer>;
};

/** Each the length of its phase. null: there was no such phase. */
export type Phases = {
  readonly dnsMs: number | null;
  /** with a proxy: until it passed bytes on */
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  /** from the connection being ready to the first byte of the answer; null: none came */
  readonly firstByteMs: number | null;
};

export const noPhases: Phases = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null };

export type Phase = "start" | "dns" | "connect" | "tls" | "answer" | "body";

export type Outcome =
  | {
      readonly answer: Answer;
      /** whether all of it was read, so that the connection can carry the next request */
      readonly whole: boolean;
    }
  | { readonly failure: Failure };

/** One request over one connection, from whoever sends it to its outcome. */
export type Exchange = {
  readonly outcome: Promise<Outcome>;
  /** what undici is to tell the course of things to */
  readonly handler: Dispatcher.DispatchHandler;
  /** A connection has to be opened for it; the signal is aborted when the exchange fails. */
  readonly opening: () => AbortSignal;
  /** whether it began with a connection being opened */
  readonly isFresh: () => boolean;
  readonly enter: (phase: Phase) => void;
  readonly phase: () => Phase;
  readonly phases: () => Phases;
  readonly answerBegan: () => boolean;
  /** Ends it, unless it ended before. */
  readonly fail: (failure: Failure) => void;
};

/** @param readWhole bytes of the answer to read and to keep; default: its beginning is enough */
export function startExchange(now: () => number, readWhole?: number): Exchange {
  const mostBytes = readWhole ?? longestAnswer;
  // Made when needed: on a kept connection it would cost a tenth of the call.
  let abort: AbortController | undefined;
  const phases: { -readonly [K in keyof Phases]: Phases[K] } = { ...noPhases };
  let phase: Phase = "start";
  let phaseBegan = now();
  let answerBegan = false;
  let ended = false;
  let status = 0;
  let retryAfter: string | null = null;
  let length = 0;
  let kept: Buffer | null = null;

  let settle: (outcome: Outcome) => void = () => {};
  const outcome = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  const enter = (next: Phase) => {
    const at = now();
    if (phase === "dns") phases.dnsMs = at - phaseBegan;
    if (phase === "connect") phases.connectMs = at - phaseBegan;
    if (phase === "tls") phases.tlsMs = at - phaseBegan;
    phase = next;
    phaseBegan = at;
  };
  const fail = (failure: Failure) => {
    if (ended) return;
    ended = true;
    // A phase that failed took its time too.
    enter(phase);
    settle({ failure });
    abort?.abort();
  };
  const succeed = (whole: boolean) => {
    if (ended) return;
    ended = true;
    const bytes = readWhole === undefined ? {} : { bytes: new Uint8Array(kept ?? []) };
    settle({ answer: { status, headers: { retryAfter }, body: beginning(kept), ...bytes }, whole });
  };

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      if (ended) controller.abort(new Error("The exchange has ended."));
      else enter("answer");
    },
    onResponseStarted() {
      if (answerBegan) return;
      answerBegan = true;
      phases.firstByteMs = now() - phaseBegan;
    },
    onResponseStart(_controller, statusCode, headers) {
      if (statusCode < 200) return; // RFC 9110, section 15.2: the answer is still to come
      enter("body");
      status = statusCode;
      retryAfter = firstOf(headers["retry-after"]);
    },
    onResponseData(controller, chunk) {
      length += chunk.length;
      kept = append(kept, chunk, readWhole ?? keptBytes);
      if (length <= mostBytes) return;
      succeed(false);
      controller.abort(new Error("The rest of the answer is not wanted."));
    },
    onResponseEnd() {
      succeed(true);
    },
    onResponseError(_controller, error) {
      fail(explainCall(error));
    },
  };

  return {
    outcome,
    handler,
    opening: () => {
      abort ??= new AbortController();
      if (ended) abort.abort();
      return abort.signal;
    },
    isFresh: () => abort !== undefined,
    enter,
    phase: () => phase,
    phases: () => phases,
    answerBegan: () => answerBegan,
    fail,
  };
}

const longestAnswer = 64 * 1024;
const keptCharacters = 1024;
// No code unit of a string takes more than three bytes of UTF-8.
const keptBytes = 3 * keptCharacters + 3;

/** Copies, so that the few bytes kept do not hold on to the large buffer they were read into. */
function append(kept: Buffer | null, chunk: Buffer, most: number): Buffer {
  if (!kept) return Buffer.from(chunk.subarray(0, most));
  const rest = most - kept.length;
  return rest > 0 ? Buffer.concat([kept, chunk.subarray(0, rest)]) : kept;
}

function beginning(kept: Buffer | null): string {
  if (!kept) return "";
  const text = kept.toString("utf8").slice(0, keptCharacters).replaceAll("\0", "\uFFFD");
  return /[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text;
}

function firstOf(value: string | string[] | undefined): string | null {
  const text = Array.isArray(value) ? value[0] : value;
  return text === undefined ? null : text.replace(/[^\u{20}-\u{7e}]/gu, "").slice(0, 64);
}
