import { rmSync } from "node:fs";
import { lstat, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Place, temporaryParent, temporaryPlace } from "./embedded-place.ts";
import { isAlive, isServerOf, readPostmaster, waitFor } from "./embedded-process.ts";
import { keepServer, type Server } from "./embedded-server.ts";
import { connectionTo, type EmbeddedStore, role, type StoreConnection } from "./embedded-settings.ts";
import { isRoot, unprivilegedUser } from "./embedded-user.ts";

/** What every new database starts with: filled once per process, then cloned. */
export type Template = {
  /** distinguishes templates of one process; letters, digits and underscores */
  readonly name: string;
  fill(connection: StoreConnection): Promise<void>;
};

/**
 * One temporary server per process, shared by all its instances; a database for each. It is gone after the last
 * `stop`, or with the process; what a killed process leaves behind, a later start removes.
 */
export async function startMemory(log: (line: string) => void, template?: Template): Promise<EmbeddedStore> {
  users += 1;
  try {
    const memory = await (shared ??= open(log));
    const connection = await memory.createDatabase(template);
    let stopped: Promise<void> | undefined;
    const stop = async () => {
      try {
        await memory.dropDatabase(connection.database);
      } finally {
        await leave();
      }
    };
    return {
      connection,
      dataFolder: memory.place.dataFolder,
      get pid() {
        return memory.server.pid;
      },
      stop: () => (stopped ??= stop()),
    };
  } catch (error) {
    await leave();
    throw error;
  }
}

let shared: Promise<Memory> | undefined;
let users = 0;

type Memory = {
  readonly place: Place;
  readonly server: Server;
  createDatabase(template?: Template): Promise<StoreConnection>;
  dropDatabase(name: string): Promise<void>;
  close(): Promise<void>;
};

async function leave(): Promise<void> {
  users -= 1;
  if (users > 0) return;
  const closing = shared;
  shared = undefined;
  const memory = await closing?.catch(() => undefined); // it never opened: whoever opened it was told
  await memory?.close();
}

async function open(log: (line: string) => void): Promise<Memory> {
  await removeOrphans();
  const place = await temporaryPlace(`${prefix}${process.pid}-`);
  await writeFile(join(place.home, "owner"), await startOf(process.pid));
  let server: Server | undefined;
  const removeAtExit = () => removeNow(place, server?.pid);
  process.once("exit", removeAtExit);
  const remove = async () => {
    await rm(place.home, { recursive: true, force: true });
    process.removeListener("exit", removeAtExit);
  };
  try {
    server = await keepServer(place, log);
  } catch (error) {
    await remove();
    throw error;
  }
  const kept = server;
  const templates = new Map<string, Promise<void>>();
  let count = 0;

  // One after the other: the supervisor has one connection.
  let turn: Promise<unknown> = Promise.resolve();
  const command = (text: string) => {
    const done = turn.then(() => kept.admin.query(text));
    turn = done.catch(() => undefined);
    return done;
  };
  const create = (name: string, source: string) => command(`create database ${name} template ${source} owner ${role}`);
  const drop = (name: string) => command(`drop database if exists ${name} with (force)`);

  async function makeTemplate(name: string, template: Template) {
    try {
      await create(name, "template0");
      await template.fill(connectionTo(place.socketFolder, name));
    } catch (error) {
      templates.delete(name); // the next one tries anew
      await drop(name);
      throw error;
    }
  }

  return {
    place,
    server: kept,
    async createDatabase(template) {
      count += 1;
      const name = `memory_${count}`;
      const source = template ? `template_${template.name}` : "template0";
      if (template) {
        const ready = templates.get(source) ?? makeTemplate(source, template);
        templates.set(source, ready);
        await ready;
      }
      await create(name, source);
      return connectionTo(place.socketFolder, name);
    },
    async dropDatabase(name) {
      await drop(name);
    },
    async close() {
      await kept.stop();
      await remove();
    },
  };
}

const prefix = "paybell-memory-";

/** Nothing can be awaited while the process exits, and nothing in there is worth a shutdown. */
function removeNow(place: Place, pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, "SIGQUIT");
    rmSync(place.home, { recursive: true, force: true, maxRetries: 10 });
  } catch {
    // a later start removes what is left; the exit status says something more important
  }
}

async function removeOrphans(): Promise<void> {
  const parent = await temporaryParent(isRoot() ? await unprivilegedUser() : undefined);
  for (const name of await readdir(parent)) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
    const home = join(parent, name);
    if (Number.isInteger(pid) && (await isOurs(home)) && !(await isOwned(home, pid))) await removeOrphan(home);
  }
}

async function removeOrphan(home: string): Promise<void> {
  const dataFolder = join(home, "data");
  const running = await readPostmaster(dataFolder);
  if (running && (await isServerOf(dataFolder, running.pid))) {
    process.kill(running.pid, "SIGQUIT");
    await waitFor(() => !isAlive(running.pid), 5_000);
  }
  await rm(home, { recursive: true, force: true, maxRetries: 3 });
}

/** Anybody can make a folder of this name in a shared temporary folder. */
async function isOurs(home: string): Promise<boolean> {
  const found = await lstat(home).catch(() => undefined); // another process may have removed it meanwhile
  return found?.uid === process.getuid?.();
}

async function isOwned(home: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const owner = await readFile(join(home, "owner"), "utf8").catch(() => ""); // being made at this moment
  return owner === "" || owner === (await startOf(pid));
}

/** When a process began, as a process id alone is soon another's. Known on Linux only. */
async function startOf(pid: number): Promise<string> {
  if (process.platform !== "linux") return "unknown";
  try {
    // Source: proc_pid_stat(5), field 22; the name in field 2 may hold spaces and ends with the last parenthesis
    const status = await readFile(`/proc/${pid}/stat`, "utf8");
    return status.slice(status.lastIndexOf(")") + 2).split(" ")[19] ?? "unknown";
  } catch {
    return "gone";
  }
}
