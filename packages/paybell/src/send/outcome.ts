import type { Instant } from "@paybell/protocols/domain/day";

/** What one try of a delivery came to. */
export type Outcome = {
  /**
   * - `retry`: again, by its schedule
   * - `held`: again, when the address is switched on again
   * - the others are final
   */
  readonly state: "sent" | "retry" | "held" | "kept" | "bounced" | "dropped" | "failed";
  /** `code: sentence`, or a word */
  readonly reason?: string;
  /** of the address as a whole; `unknown`: it was not asked, or this message alone is at fault */
  readonly address: "good" | "bad" | "gone" | "unknown";
  /** how long the address asks to be left alone */
  readonly retryAfterMs?: number;
  /** absent: nobody was spoken to */
  readonly attempt?: AttemptRecord;
};

/** Proof of one try. Times in milliseconds; null: a phase that did not happen. */
export type AttemptRecord = {
  readonly at: Instant;
  readonly dnsMs: number | null;
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  readonly firstByteMs: number | null;
  readonly totalMs: number;
  readonly status: number | null;
  /** null: it arrived */
  readonly code: string | null;
  readonly sentence: string | null;
  /** first bytes of what was answered */
  readonly answer: string | null;
};

/** A delivery as whoever holds its lane knows it. */
export type Duty = EventDuty | MailDuty;

type DutyBase = {
  readonly accountId: string;
  readonly laneId: string;
  readonly id: string;
  readonly expiresAt: Instant;
  readonly attempts: number;
  /** of them, before its schedule began anew */
  readonly attemptsBefore: number;
  readonly orderKey: string | null;
};

export type EventDuty = DutyBase & {
  readonly what: "event";
  readonly event: {
    readonly id: string;
    readonly type: string;
    readonly at: Instant;
    readonly test: boolean;
    /** JSON */
    readonly data: string;
  };
};

export type MailDuty = DutyBase & {
  readonly what: "mail";
  readonly itemId: string | null;
  readonly recipient: string | null;
  readonly needsAccess: boolean;
  readonly sealed: Buffer;
};

/** Brings deliveries of one lane where they belong. */
export type Carrier = {
  /** never throws, and ends within its deadline */
  deliver(duty: Duty): Promise<Outcome>;
  close(): void;
};
