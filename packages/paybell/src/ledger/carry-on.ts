import type { Context } from "../context.ts";
import { isUnavailable } from "../db/pool.ts";
import { inTransaction } from "../db/transaction.ts";
import type { StoredNotification } from "../record/stored.ts";
import { keptById, leftBehind, noteReading, readAgain } from "../record/stored-rows.ts";
import { ensureSpace } from "../send/retention.ts";
import { apply } from "./apply.ts";
import { writeNotificationStates } from "./notification-rows.ts";

export type CarryOn = {
  /** takes a notification over from the record, in memory; applied at once after `start`, else with `caughtUp` */
  take(stored: StoredNotification): void;
  start(): void;
  /** applies everything taken */
  caughtUp(): Promise<void>;
  /** applies what was recorded and never acted on; @returns how many, 0 also while the store is away */
  recover(olderThanMs: number): Promise<number>;
  /** applies items whose time has come; @returns how many */
  applyDue(): Promise<number>;
  replay(accountId: string, ids: readonly string[]): Promise<void>;
};

type ItemKey = { readonly accountId: string; readonly itemId: string };

/**
 * Carries on from the record to the ledger. The rows are the safety net: what is lost from memory is found
 * again by its state, and applying twice changes nothing.
 */
export function createCarryOn(context: Context): CarryOn {
  let waiting: StoredNotification[] = [];
  let working: Promise<void> | undefined;
  let round: Promise<void> = Promise.resolve();
  let atOnce = false;

  return {
    take(stored) {
      // Beyond this the rows alone remember it; `recover` finds them.
      if (waiting.length < maxWaiting) waiting.push(stored);
      if (atOnce) working ??= work();
    },
    start() {
      atOnce = true;
      if (waiting.length > 0) working ??= work();
    },
    async caughtUp() {
      // What comes after this call is not waited for: under load there is always more.
      let left = waiting.length;
      if (left > 0) working ??= work();
      await round;
      while (left > 0) {
        left -= batchSize;
        await round;
      }
    },
    async recover(olderThanMs) {
      const rows = await leftBehind(context.pool, olderThanMs, batchSize);
      const ready = rows.flatMap((row) => readAgain(row) ?? []);
      for (const row of rows.filter((row) => !ready.some((one) => one.id === row.id)))
        await setAside(row.account_id, row.id, "unreadable");
      return (await applyEach(ready, [])) ? rows.length : 0;
    },
    async applyDue() {
      let count = 0;
      for (;;) {
        const due = await dueItems(context);
        if (due.length === 0) return count;
        if (!(await applyEach([], due))) return count;
        count += due.length;
      }
    },
    async replay(accountId, ids) {
      for (const row of await keptById(context.pool, accountId, ids)) {
        const stored = readAgain(row);
        if (!stored) continue;
        await noteReading(context.pool, stored);
        await applyEach([stored], []);
      }
    },
  };

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      round = nextRound();
      await round;
    }
    working = undefined;
  }

  async function nextRound(): Promise<void> {
    // Let the answers of this commit out first, and gather what shares it.
    await new Promise(setImmediate);
    const batch = waiting.slice(0, batchSize);
    waiting = waiting.slice(batchSize);
    try {
      await applyEach(batch, []);
    } catch (error) {
      // Not even setting aside worked. The rows remember it, and those who wait for this round are not to blame.
      context.log.error({ code: codeOf(error) }, "what arrived is kept and tried again, as the store refused to write");
    }
  }

  /**
   * In one transaction; if one of them cannot be applied, each in its own, so that it holds up nobody else.
   * @returns false: the store is away, nothing was decided
   */
  async function applyEach(batch: readonly StoredNotification[], touched: readonly ItemKey[]): Promise<boolean> {
    if (batch.length + touched.length === 0) return true;
    try {
      await applyTogether(batch, touched);
      return true;
    } catch (error) {
      if (isUnavailable(error) || isBusy(error)) {
        context.log.warn({ code: codeOf(error) }, "the store is away; kept notifications are applied when it is back");
        return false;
      }
      if (batch.length + touched.length > 1) {
        for (const one of batch) if (!(await applyEach([one], []))) return false;
        for (const one of touched) if (!(await applyEach([], [one]))) return false;
        return true;
      }
      // Messages of the store can quote what a buyer wrote, so only their kind and place are logged.
      const stack =
        error instanceof Error ? error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) : undefined;
      context.log.error(
        { code: codeOf(error), stack },
        "something could not be applied; it waits in the operator's list",
      );
      for (const one of batch) await setAside(one.accountId, one.id, "not_applicable");
      for (const one of touched) await postpone(context, one);
      return true;
    }
  }

  async function applyTogether(batch: readonly StoredNotification[], touched: readonly ItemKey[]): Promise<void> {
    await ensureSpace(context.pool, context.clock());
    await inTransaction(context.pool, (tx) => apply(context, tx, batch, touched));
  }

  async function setAside(accountId: string, id: string, reason: string): Promise<void> {
    await inTransaction(context.pool, (tx) =>
      writeNotificationStates(tx, [{ accountId, id, state: "waiting", reason }]),
    );
  }
}

const batchSize = 100;
const maxWaiting = 10_000;

async function dueItems(context: Context): Promise<ItemKey[]> {
  const { rows } = await context.pool.query<{ account_id: string; id: string }>({
    name: "due_items",
    text: "select account_id, id from item where due_at <= $1 order by due_at limit $2",
    values: [new Date(context.clock()), batchSize],
  });
  return rows.map((row) => ({ accountId: row.account_id, itemId: row.id }));
}

/** So that an item that cannot be computed does not stop those behind it. */
async function postpone({ pool, clock }: Context, { accountId, itemId }: ItemKey): Promise<void> {
  await pool.query("update item set due_at = $3 where account_id = $1 and id = $2", [
    accountId,
    itemId,
    new Date(clock() + 3_600_000),
  ]);
}

/** Waited too long for somebody else's lock, again and again: nothing is wrong with what was to be applied. */
function isBusy(error: unknown): boolean {
  return ["57014", "40001", "40P01", "55P03"].includes(codeOf(error) ?? "");
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code;
}
