import type { Instant } from "@paybell/protocols/domain/day";
import type { Pool } from "pg";
import type { Logger } from "pino";
import type { Seal } from "./db/seal.ts";
import type { Offered } from "./send/lanes.ts";

/** What every stage is given from outside: the store, the clock, the keys. */
export type Context = {
  readonly pool: Pool;
  readonly clock: () => Instant;
  readonly seal: Seal;
  /** without a slash at its end */
  readonly publicUrl: string;
  /** zone of accounts that set none */
  readonly timeZone: string;
  /** sender of mail for accounts that set none, `Name <address>` */
  readonly mailFrom: string;
  /** false: no mail server is configured; mails are kept and shown */
  readonly sendsMail: boolean;
  /** told, after the commit, of what can be sent now */
  readonly sending: {
    /** events' deliveries, handed over in memory */
    offer(offered: readonly Offered[]): void;
    /** lanes with due work in the store */
    look(laneIds: readonly string[]): void;
    /** whose events they are */
    announced(accountIds: Iterable<string>): void;
  };
  readonly log: Logger;
};
