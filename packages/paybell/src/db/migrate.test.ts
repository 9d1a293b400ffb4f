import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { emptyDatabase, testDatabase } from "../testing/database.ts";
import { migrate, readMigrations } from "./migrate.ts";
import { createPool } from "./pool.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "paybell-migrations-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function steps(files: Record<string, string>) {
  for (const [name, sql] of Object.entries(files)) await writeFile(join(folder, name), sql);
  return readMigrations(folder);
}

test("the shipped migrations are found, and a test database has them", async () => {
  const { pool } = await testDatabase();
  const shipped = await readMigrations();
  expect(shipped.length).toBeGreaterThan(0);
  const { rows } = await pool.query("select version, name from migration order by version");
  expect(rows).toEqual(shipped.map(({ version, name }) => ({ version, name })));
});

test("steps are done in the order of their numbers, each once", async () => {
  const { pool } = await emptyDatabase();
  const first = await steps({ "0001_note.sql": "create table note (id integer);", "README.md": "not a step" });
  await migrate(pool, first);
  const both = await steps({ "0002_fill.sql": "insert into note values (1); insert into note values (2);" });
  await migrate(pool, both);
  await migrate(pool, both);
  expect((await pool.query("select id from note order by id")).rows).toEqual([{ id: 1 }, { id: 2 }]);
  expect((await pool.query("select version, name from migration order by version")).rows).toEqual([
    { version: 1, name: "note" },
    { version: 2, name: "fill" },
  ]);
});

test("nodes that start at once do each step once", async () => {
  const { pool, connection } = await emptyDatabase();
  const migrations = await steps({
    "0001_note.sql": "create table note (id integer)",
    "0002_fill.sql": "insert into note values (1)",
  });
  const nodes = Array.from({ length: 4 }, () => createPool(connection, { max: 2 }));
  await Promise.all(nodes.map((node) => migrate(node, migrations)));
  await Promise.all(nodes.map((node) => node.end()));
  expect((await pool.query("select id from note")).rows).toEqual([{ id: 1 }]);
});

test("a step that fails leaves nothing of itself, and can be repeated", async () => {
  const { pool } = await emptyDatabase();
  const broken = await steps({ "0001_note.sql": "create table note (id integer); insert into nowhere values (1);" });
  await expect(migrate(pool, broken)).rejects.toThrow(/0001_note.*nowhere/);
  expect((await pool.query("select to_regclass('note') as found")).rows).toEqual([{ found: null }]);
  await migrate(pool, await steps({ "0001_note.sql": "create table note (id integer);" }));
});

test("a shipped step that was changed is refused, and line ends are no change", async () => {
  const { pool } = await emptyDatabase();
  await migrate(pool, await steps({ "0001_note.sql": "create table note\n(id integer);" }));
  await migrate(pool, await steps({ "0001_note.sql": "create table note\r\n(id integer);" }));
  const changed = await steps({ "0001_note.sql": "create table note\n(id bigint);" });
  await expect(migrate(pool, changed)).rejects.toMatchObject({ code: "migration_changed" });
});

test("a database of a newer release is refused, and stays as it is", async () => {
  const { pool } = await emptyDatabase();
  const older = await steps({ "0001_note.sql": "create table note (id integer);" });
  await migrate(pool, await steps({ "0002_more.sql": "create table more (id integer);" }));
  await expect(migrate(pool, older)).rejects.toMatchObject({ code: "migration_newer" });
  expect((await pool.query("select count(*) from migration")).rows).toEqual([{ count: 2n }]);
});

test("two steps of one number are refused", async () => {
  await expect(steps({ "0001_a.sql": "select 1", "0001_b.sql": "select 1" })).rejects.toThrow("0001");
});
