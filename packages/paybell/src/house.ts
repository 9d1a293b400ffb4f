import type { Context } from "./context.ts";
import type { RebuildReport } from "./ledger/rebuild.ts";
import type { Feed } from "./send/feed.ts";
import type { Network } from "./send/http.ts";
import type { Publisher } from "./send/publish.ts";

/** The stages, joined: what the surfaces (API, command) may ask for. */
export type House = Context & {
  /** resolves when everything this node has answered is applied; gives up after two seconds */
  caughtUp(): Promise<void>;
  /** applies what is due now: items whose time has come, or whose product was mapped or changed */
  applyDue(): Promise<void>;
  /** reads kept notifications again from their bytes and applies them; already applied ones change nothing */
  replay(accountId: string, notificationIds: readonly string[]): Promise<void>;
  /** recomputes everything from the kept notifications and compares; sends nothing */
  rebuild(accountId?: string): Promise<RebuildReport>;
  /** a connection or its secrets changed: forget what is remembered of them */
  connectionsChanged(): void;
  readonly network: Network;
  readonly publisher: Publisher;
  readonly feed: Feed;
  /** counts changes to keys and accounts; null: they are not heard of just now, so nothing may be remembered */
  keysVersion(): number | null;
  /** a key or an account was changed here */
  keysChanged(): void;
  /** a job was made or cancelled */
  jobsChanged(): void;
};
