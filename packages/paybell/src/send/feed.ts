import type { Mode } from "@paybell/protocols/domain/fact";
import type { Pool } from "pg";
import { isUnavailable } from "../db/pool.ts";

/** A place in the order in which an account's events became known: behind this one. */
export type Position = {
  /** the transaction that wrote it */
  readonly txid: string;
  readonly id: string;
};

/** Somebody who reads an account's events as they come. */
export type Watcher = {
  readonly accountId: string;
  readonly mode: Mode;
  position(): Position;
  /** there may be something behind its position */
  news(): void;
  /** this process stops */
  end(): void;
};

export type Feed = {
  /** events of these accounts were committed by this process */
  ring(accountIds: Iterable<string>): void;
  /** @returns to be called when it watches no longer */
  watch(watcher: Watcher): () => void;
  /** Runs `work`, a few at once: however many watch, requests find connections to the store. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** ends all who watch, and who begin to */
  end(): void;
  readonly ended: boolean;
};

/**
 * Tells those who read along that there are events: of this process at once, of others by asking the store, only while
 * somebody reads.
 */
export function createFeed(pool: Pool, askEveryMs = 1000): Feed {
  const watchers = new Set<Watcher>();
  const inLine: (() => void)[] = [];
  let reading = 0;
  let asking: NodeJS.Timeout | undefined;
  let ended = false;

  return {
    ring(accountIds) {
      if (watchers.size === 0) return;
      const rung = new Set(accountIds);
      for (const watcher of watchers) if (rung.has(watcher.accountId)) watcher.news();
    },
    watch(watcher) {
      if (ended) watcher.end();
      else watchers.add(watcher);
      askLater();
      return () => void watchers.delete(watcher);
    },
    async inTurn(work) {
      if (reading < readsAtOnce) reading++;
      else await new Promise<void>((resolve) => inLine.push(resolve));
      try {
        return await work();
      } finally {
        const next = inLine.shift();
        if (next) next();
        else reading--;
      }
    },
    end() {
      ended = true;
      clearTimeout(asking);
      for (const watcher of watchers) watcher.end();
    },
    get ended() {
      return ended;
    },
  };

  function askLater(): void {
    if (asking || ended || watchers.size === 0) return;
    asking = setTimeout(() => void ask(), askEveryMs);
    asking.unref();
  }

  async function ask(): Promise<void> {
    const asked = [...watchers];
    try {
      for (const index of asked.length === 0 ? [] : await withNews(pool, asked)) asked[index]?.news();
    } catch (error) {
      // It is asked again; reading is where a fault is seen.
      if (!isUnavailable(error)) for (const watcher of asked) watcher.news();
    }
    asking = undefined;
    askLater();
  }
}

const readsAtOnce = 3;

/**
 * Ordered, although any one will do: a plan made while a partition was empty would otherwise walk all of an account.
 * @returns which of them, from 0
 */
async function withNews(pool: Pool, watchers: readonly Watcher[]): Promise<number[]> {
  const positions = watchers.map((watcher) => watcher.position());
  const { rows } = await pool.query<{ index: number }>({
    name: "feeds_with_news",
    text: `
      select w.index from unnest($1::integer[], $2::uuid[], $3::text[], $4::xid8[], $5::uuid[]) as w (index, account_id, mode, txid, id)
      cross join lateral (
        select 1 from event e
        where e.account_id = w.account_id and e.mode = w.mode and (e.txid, e.id) > (w.txid, w.id)
          and e.txid < pg_snapshot_xmin(pg_current_snapshot())
        order by e.txid, e.id limit 1) e`,
    values: [
      watchers.map((_, index) => index),
      watchers.map((watcher) => watcher.accountId),
      watchers.map((watcher) => watcher.mode),
      positions.map((position) => position.txid),
      positions.map((position) => position.id),
    ],
  });
  return rows.map((row) => row.index);
}
