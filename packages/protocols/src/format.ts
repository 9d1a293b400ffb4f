import type { Instant } from "./domain/day.ts";

/** An event on its way out. */
export type Outgoing = {
  /** stays the same over all attempts and all places it goes to */
  readonly id: string;
  /** `payment.made`, `access.granted`, … */
  readonly type: string;
  readonly at: Instant;
  readonly test: boolean;
  /** JSON, as it was printed when the event was made */
  readonly data: string;
};

export type FormatOptions = {
  /** CopeCart: `text` writes "119.0", `number` writes 119; default text */
  readonly money?: "text" | "number";
  /** CopeCart: what becomes of a field without a value; default null */
  readonly missing?: "null" | "omit";
};

/** One attempt at bringing it there. */
export type Attempt = {
  readonly id: string;
  readonly at: Instant;
  /** active ones, newest first; never empty */
  readonly secrets: readonly string[];
  /** from 1 */
  readonly number: number;
};

export type Signed = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
};

/** What the address answered. */
export type Answered = {
  readonly status: number;
  /** its first bytes, as text */
  readonly body: string;
};

/** A way in which events leave the house. All functions are pure; the same event renders to the same bytes for ever. */
export interface Format {
  readonly name: string;
  /** null: whatever happens; else the event types it has words for */
  readonly events: readonly string[] | null;
  /** the schedule of repeats its receivers expect: a name of send/schedule.ts */
  readonly schedule: string;
  /** A secret as this format wants it, of `random` bytes (32 of them). */
  newSecret(random: Uint8Array): string;
  /** @returns a sentence that says what is wrong with it; undefined: it can be used */
  secretFault(secret: string): string | undefined;
  /**
   * The body, unsigned.
   * @returns undefined: the format has no words for this event
   */
  render(event: Outgoing, options: FormatOptions): Uint8Array<ArrayBuffer> | undefined;
  /**
   * Headers and final body of one attempt. Formats with room for one signature sign the first attempt with the newest
   * secret and take turns on repeats, so that a receiver who has not changed yet is reached too.
   */
  sign(body: Uint8Array<ArrayBuffer>, attempt: Attempt): Promise<Signed>;
  /** Whether this answer says that it arrived. */
  accepts(answer: Answered): boolean;
  /** A sample that tests the way: what the test button sends. */
  sample(at: Instant): Pick<Outgoing, "type" | "data">;
}
