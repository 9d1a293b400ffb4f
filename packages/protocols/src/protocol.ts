import type { Instant } from "./domain/day.ts";
import type { Reading } from "./domain/fact.ts";

/** A notification as it came in. */
export type Incoming = {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  /** bytes exactly as received; re-encoding breaks the signature */
  readonly body: Uint8Array<ArrayBuffer>;
};

export type RefusalCode =
  | "signature_missing"
  | "signature_malformed"
  | "signature_mismatch"
  | "secret_missing"
  | "secret_malformed"
  | "id_missing"
  | "id_malformed"
  | "timestamp_missing"
  | "timestamp_malformed"
  | "timestamp_too_old"
  | "timestamp_too_new";

export type Verdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: RefusalCode /** for the operator, never for the sender */;
      readonly sentence: string;
    };

export type Parsed =
  | { readonly ok: true; readonly reading: Reading }
  | { readonly ok: false; readonly code: string; readonly sentence: string };

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What became of a notification; the protocol chooses the answer. */
export type Outcome = "stored" | "refused" | "unavailable";

/** One provider. All functions are pure and never throw. */
export interface Protocol {
  readonly name: string;
  /** Checks the notification against every active secret. Runs before anything is parsed. */
  verify(incoming: Incoming, secrets: readonly string[], now: Instant): Promise<Verdict>;
  /** Reads the facts from the bytes. */
  parse(body: Uint8Array): Parsed;
  /** The answer this provider understands. */
  answer(outcome: Outcome): Answer;
  /** The same bytes without the person: money, dates and order numbers stay. */
  redact(body: Uint8Array): Uint8Array;
}
