import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compileStore, startProcess } from "../testing/store-process.ts";
import { startEmbedded } from "./embedded.ts";
import { isAlive, waitFor } from "./embedded-process.ts";
import type { StoreConnection } from "./embedded-settings.ts";
import { createPool } from "./pool.ts";

let compiled: string;

beforeAll(async () => {
  compiled = await compileStore();
});

afterAll(() => rm(compiled, { recursive: true, force: true }));

const log = (line: string) => console.warn(line);
const memory = (template?: Parameters<typeof startEmbedded>[0]["template"]) =>
  startEmbedded({ folder: "memory", log, ...(template ? { template } : {}) });

async function ask(connection: StoreConnection, text: string): Promise<unknown[]> {
  const pool = createPool(connection, { max: 1 });
  try {
    return (await pool.query(text)).rows;
  } finally {
    await pool.end();
  }
}

test("instances share one server, see nothing of each other, and the last to stop removes it", async () => {
  const [one, two] = await Promise.all([memory(), memory()]);
  expect(one.pid).toBe(two.pid);
  await ask(one.connection, "create table note as select 1 as id");
  expect(await ask(two.connection, "select to_regclass('note') as found")).toEqual([{ found: null }]);

  await one.stop();
  await one.stop();
  expect(await ask(two.connection, "select 1 as one")).toEqual([{ one: 1 }]);
  const { pid } = two;
  await two.stop();
  expect(isAlive(pid)).toBe(false);
  await expect(readdir(dirname(two.dataFolder))).rejects.toThrow("ENOENT");
});

test("a template is filled once and begins every database", async () => {
  let filled = 0;
  const template = {
    name: "notes",
    async fill(connection: StoreConnection) {
      filled += 1;
      await ask(connection, "create table note as select 7 as id");
    },
  };
  const stores = await Promise.all([memory(template), memory(template), memory(template)]);
  for (const { connection } of stores) expect(await ask(connection, "select id from note")).toEqual([{ id: 7 }]);
  expect(filled).toBe(1);
  await Promise.all(stores.map((store) => store.stop()));
});

test("a template that cannot be filled fails its start with the reason, and is tried again at the next", async () => {
  let attempts = 0;
  const template = {
    name: "late",
    async fill() {
      attempts += 1;
      if (attempts === 1) throw new Error("no such step");
    },
  };
  const held = await memory();
  await expect(memory(template)).rejects.toThrow("no such step");
  const second = await memory(template);
  await Promise.all([held.stop(), second.stop()]);
  expect(attempts).toBe(2);
  expect((await readdir(tmpdir())).filter((name) => name.includes(`memory-${process.pid}-`))).toEqual([]);
});

test("what a killed process left behind, the next start removes", async () => {
  const killed = startProcess(compiled, "memory");
  const { pid, dataFolder } = await killed.said;
  await killed.kill();
  expect(isAlive(pid)).toBe(true);

  const next = await memory();
  expect(await waitFor(() => !isAlive(pid), 10_000)).toBe(true);
  await expect(readdir(dirname(dataFolder))).rejects.toThrow("ENOENT");
  await next.stop();
});

test("a process that exits without stopping leaves no server, and no folder beyond the next start", async () => {
  const exiting = startProcess(compiled, "memory-exit");
  const { pid, dataFolder } = await exiting.said;
  await exiting.stop();
  expect(await waitFor(() => !isAlive(pid), 10_000)).toBe(true);
  // Children of the dead server may still write while the folder is removed.
  await (await memory()).stop();
  await expect(readdir(dirname(dataFolder))).rejects.toThrow("ENOENT");
});

test("a temporary folder that only its owner can enter is no obstacle", async () => {
  const closed = await mkdtemp(join(tmpdir(), "paybell-closed-"));
  const process = startProcess(compiled, "memory", undefined, { TMPDIR: closed });
  expect((await process.said).message).toBeUndefined();
  await process.stop();
  await rm(closed, { recursive: true });
});
