import { startMemory, type Template } from "./embedded-memory.ts";
import { findPlace } from "./embedded-place.ts";
import { keepServer } from "./embedded-server.ts";
import { connectionTo, type EmbeddedStore, role } from "./embedded-settings.ts";

/**
 * Starts the embedded store of a folder, or connects to it where another process has started it. It is started
 * again by itself when it crashes; pools reconnect.
 * @param options.folder "memory": a temporary store without durability, one database per call
 * @param options.log gets one line for whatever an operator should know
 * @param options.template what a "memory" database begins with; others are migrated in place
 * @throws StoreError store_unsupported, store_no_user, store_folder, store_disk_full, store_other_version, store_not_started
 */
export async function startEmbedded(options: {
  readonly folder: string;
  readonly log: (line: string) => void;
  readonly template?: Template;
}): Promise<EmbeddedStore> {
  if (options.folder === "memory") return startMemory(options.log, options.template);
  const place = await findPlace(options.folder, options.log);
  const server = await keepServer(place, options.log);
  let stopped: Promise<void> | undefined;
  return {
    connection: connectionTo(place.socketFolder, role),
    dataFolder: place.dataFolder,
    get pid() {
      return server.pid;
    },
    stop: () => (stopped ??= server.stop()),
  };
}
