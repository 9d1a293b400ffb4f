import { join } from "node:path";
import type { Pool } from "pg";
import type { Logger } from "pino";
import { startEmbedded } from "../db/embedded.ts";
import { createPool } from "../db/pool.ts";
import type { StoreSettings } from "./settings.ts";

/** The store as it is, looked at without migrating it. */
export type OpenedStore = { readonly pool: Pool; close(): Promise<void> };

export async function openStore({ database }: Pick<StoreSettings, "database">, log: Logger): Promise<OpenedStore> {
  const say = (line: string) => log.warn(line);
  if (isServer(database)) {
    const pool = createPool(database, { max: 2, log: say });
    return { pool, close: () => pool.end() };
  }
  const store = await startEmbedded({ folder: database, log: say });
  const pool = createPool(store.connection, { max: 2, log: say });
  return { pool, close: () => pool.end().then(() => store.stop()) };
}

export function isServer(database: string): boolean {
  return /^postgres(ql)?:\/\//.test(database);
}

/** Where the master key lies when it is not given. */
export function keyFileOf({ database, dataFolder }: Pick<StoreSettings, "database" | "dataFolder">): string {
  return join(isServer(database) ? dataFolder : database, "master.key");
}
