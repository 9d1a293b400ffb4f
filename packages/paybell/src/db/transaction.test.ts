import { EventEmitter, once } from "node:events";
import { expect, test } from "vitest";
import { emptyDatabase } from "../testing/database.ts";
import { inTransaction } from "./transaction.ts";

async function noteDatabase() {
  const { pool } = await emptyDatabase();
  await pool.query("create table note (id integer primary key, value integer not null)");
  const notes = async () =>
    (await pool.query<{ id: number; value: number }>("select id, value from note order by id")).rows;
  return { pool, notes };
}

test("what the work wrote is there when it returns", async () => {
  const { pool, notes } = await noteDatabase();
  const answer = await inTransaction(pool, async (tx) => {
    await tx.query("insert into note values (1, 10)");
    return "done";
  });
  expect(answer).toBe("done");
  expect(await notes()).toEqual([{ id: 1, value: 10 }]);
});

test("nothing the work wrote is there when it throws, and the connection serves again", async () => {
  const { pool, notes } = await noteDatabase();
  const failed = inTransaction(pool, async (tx) => {
    await tx.query("insert into note values (1, 10)");
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  expect(await notes()).toEqual([]);
  expect(pool.totalCount).toBe(1);
});

test("a failed statement that the work swallows does not pass as a commit", async () => {
  const { pool, notes } = await noteDatabase();
  const failed = inTransaction(pool, async (tx) => {
    await tx.query("insert into note values (1, 10)");
    await tx.query("select 1/0").catch(() => undefined);
  });
  await expect(failed).rejects.toThrow("rolled back");
  expect(await notes()).toEqual([]);
});

test("two transactions that deadlock both succeed", async () => {
  const { pool, notes } = await noteDatabase();
  await pool.query("insert into note values (1, 0), (2, 0)");
  let arrived = 0;
  const gate = new EventEmitter();
  const bothHoldOne = once(gate, "open");
  const add = (first: number, second: number) =>
    inTransaction(pool, async (tx) => {
      await tx.query("update note set value = value + 1 where id = $1", [first]);
      arrived += 1;
      if (arrived === 2) gate.emit("open");
      await bothHoldOne;
      await tx.query("update note set value = value + 1 where id = $1", [second]);
    });
  await Promise.all([add(1, 2), add(2, 1)]);
  expect(arrived).toBeGreaterThan(2);
  expect(await notes()).toEqual([
    { id: 1, value: 2 },
    { id: 2, value: 2 },
  ]);
});

test("a conflict that stays is given up after five attempts", async () => {
  const { pool } = await noteDatabase();
  let attempts = 0;
  const failed = inTransaction(pool, async (tx) => {
    attempts += 1;
    await tx.query("do $$ begin raise exception 'conflict' using errcode = '40001'; end $$");
  });
  await expect(failed).rejects.toThrow("conflict");
  expect(attempts).toBe(5);
});

test("a connection lost in the middle fails the work and is not used again", async () => {
  const { pool, notes } = await noteDatabase();
  const failed = inTransaction(pool, async (tx) => {
    await tx.query("insert into note values (1, 10)");
    await tx.query("select pg_terminate_backend(pg_backend_pid())");
  });
  await expect(failed).rejects.toThrow(/terminat/);
  expect(await notes()).toEqual([]);
});
