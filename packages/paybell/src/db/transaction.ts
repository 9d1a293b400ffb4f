import type { Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Pool, PoolClient } from "pg";
import { isUnavailable } from "./pool.ts";

/** A connection inside a transaction. */
export type Tx = PoolClient;

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when it throws. A serialization failure
 * or deadlock runs it again, up to five times in all, so it must have no effect outside the database.
 * When the connection is lost during the commit, the outcome is unknown and the error is passed on.
 */
export async function inTransaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(pool, work);
    } catch (error) {
      if (attempt === 5 || !isConflict(error)) throw error;
    }
    // Two that collided must not meet again.
    await delay(Math.random() * 5 * 2 ** attempt);
  }
}

/**
 * Sends all statements that `send` issues before it first waits in one write to the socket. On a machine where a system
 * call is dear, that is most of what a short statement costs.
 */
export function together<T>(tx: Tx, send: () => T): T {
  const { stream } = (tx as unknown as { readonly connection: { readonly stream: Writable } }).connection;
  stream.cork();
  process.nextTick(() => stream.uncork());
  return send();
}

/**
 * Does something once what was written on `on` is committed, and not at all when it is rolled back. On a pool, where each
 * statement is its own transaction, at once: call it when the statement has been answered.
 */
export function afterCommit(on: Pick<Tx, "query">, act: () => void): void {
  const open = acts.get(on);
  if (open) open.push(act);
  else act();
}

const acts = new WeakMap<Pick<Tx, "query">, (() => void)[]>();

async function attemptOnce<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const tx = await pool.connect();
  const after: (() => void)[] = [];
  acts.set(tx, after);
  let result: T;
  try {
    // Sent with the first statement of the work; when it fails, so does that.
    [, result] = await together(tx, () => Promise.all([tx.query("begin"), work(tx)]));
    await commit(tx);
  } catch (error) {
    acts.delete(tx);
    tx.release(await rollBack(tx, error));
    throw error;
  }
  acts.delete(tx);
  tx.release();
  for (const act of after) act();
  return result;
}

/** After a failed statement that `work` swallowed, PostgreSQL answers a commit with a rollback, and no error. */
async function commit(tx: Tx): Promise<void> {
  const { command } = await tx.query("commit");
  if (command !== "COMMIT") throw new Error("The transaction was rolled back, as a statement in it had failed.");
}

/** @returns true: the connection is of no more use */
async function rollBack(tx: Tx, error: unknown): Promise<boolean> {
  if (isUnavailable(error)) return true; // closing it rolls back as well, and asks nothing of a dead peer
  try {
    await tx.query("rollback");
    return false;
  } catch {
    return true; // the first error says why
  }
}

/** serialization_failure, deadlock_detected */
function isConflict(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "40001" || error.code === "40P01");
}
