import { randomBytes } from "node:crypto";
import { Client, type Pool } from "pg";
import { afterAll } from "vitest";
import { startEmbedded } from "../db/embedded.ts";
import type { StoreConnection } from "../db/embedded-settings.ts";
import { migrate } from "../db/migrate.ts";
import { createPool } from "../db/pool.ts";

export type TestDatabase = {
  readonly pool: Pool;
  /** for what opens its own connections; an address when the tests run on a server */
  readonly connection: StoreConnection | string;
  /** done by itself after the last test of the file */
  readonly drop: () => Promise<unknown>;
};

/**
 * A fresh, migrated database: in a temporary embedded store that lives as long as the test file, or, where
 * PAYBELL_TEST_DATABASE_URL names a server and a role that may create databases, there.
 */
export function testDatabase(): Promise<TestDatabase> {
  return open(true);
}

/** The same without our schema. */
export function emptyDatabase(): Promise<TestDatabase> {
  return open(false);
}

async function open(isMigrated: boolean): Promise<TestDatabase> {
  const server = process.env.PAYBELL_TEST_DATABASE_URL;
  const { connection, remove } =
    server === undefined ? await createEmbedded(isMigrated) : await createOn(server, isMigrated);
  const pool = createPool(connection);
  let dropped: Promise<unknown> | undefined;
  const drop = () => (dropped ??= pool.end().then(remove));
  drops.push(drop);
  return { pool, connection, drop };
}

type Created = { connection: StoreConnection | string; readonly remove: () => Promise<unknown> };

const drops: (() => Promise<unknown>)[] = [];
const closes: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  await Promise.all(drops.splice(0).map((drop) => drop()));
  await Promise.all(closes.splice(0).map((close) => close()));
});

const log = (line: string) => console.warn(line);

async function createEmbedded(isMigrated: boolean): Promise<Created> {
  // Held until the file ends: starting it anew for each test would cost half a second.
  held ??= startEmbedded({ folder: "memory", log }).then(({ stop }) => closes.push(stop));
  await held;
  const template = { name: "migrated", fill: migrateAt };
  const store = await startEmbedded({ folder: "memory", log, ...(isMigrated ? { template } : {}) });
  return { connection: store.connection, remove: store.stop };
}

let held: Promise<unknown> | undefined;

async function createOn(server: string, isMigrated: boolean): Promise<Created> {
  if (isMigrated) migrated ??= createTemplate(server);
  const source = (isMigrated && (await migrated)) || "template0";
  const name = newName();
  await command(server, `create database ${name} template ${source}`);
  return { connection: at(server, name), remove: () => command(server, `drop database ${name} with (force)`) };
}

async function createTemplate(server: string): Promise<string> {
  const name = newName();
  await command(server, `create database ${name} template template0`);
  closes.push(() => command(server, `drop database ${name}`));
  await migrateAt(at(server, name));
  return name;
}

let migrated: Promise<string> | undefined;

async function migrateAt(connection: StoreConnection | string): Promise<void> {
  const pool = createPool(connection, { max: 1 });
  try {
    await migrate(pool);
  } finally {
    await pool.end();
  }
}

async function command(server: string, text: string): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

function at(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

function newName(): string {
  return `paybell_test_${randomBytes(8).toString("hex")}`;
}
