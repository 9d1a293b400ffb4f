import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { diskFull, ensureOwn, type Place } from "./embedded-place.ts";
import { isAlive, isErrno, isServerOf, readPostmaster } from "./embedded-process.ts";
import { adminOf, initArguments, role, serverArguments, serverEnvironment } from "./embedded-settings.ts";
import { StoreError } from "./store-error.ts";

/** Every process using a server holds one connection of this name: the last one to leave stops it. */
export const presenceName = "paybell presence";

export type Attached = { readonly presence: Client; readonly pid: number };

/**
 * Connects to the server of a place, starting it where it does not run. Several processes may do so at once:
 * PostgreSQL's own lock lets one server in, and the others connect to it.
 * @throws StoreError store_disk_full, store_other_version, store_not_started
 */
export async function attach(place: Place): Promise<Attached> {
  const deadline = performance.now() + slowestStartMs;
  for (;;) {
    const running = await connectToRunning(place);
    if (running === "busy") {
      if (performance.now() > deadline) {
        throw new StoreError("store_not_started", `The server of ${place.dataFolder} runs, but does not answer.`);
      }
      await delay(15);
      continue;
    }
    if (running) return running;
    await ensureCluster(place);
    await ensureOwn(place.socketFolder, place.user); // a short one lies where old things are swept away
    const failure = await launch(place);
    if (failure === undefined) continue;
    // The remains of a server that was killed go within a moment; a server that came first answers by then.
    if (!/lock file|shared memory block/.test(failure) || performance.now() > deadline)
      throw startError(place, failure);
    await delay(50);
  }
}

/** A server that replays a long log may take its time. */
const slowestStartMs = 600_000;

/** "busy": it is there, but not yet or no longer talking. */
async function connectToRunning(place: Place): Promise<Attached | "busy" | undefined> {
  const found = await readPostmaster(place.dataFolder);
  if (!found) return undefined;
  const presence = new Client(adminOf(place.socketFolder, presenceName));
  presence.on("error", () => undefined); // its end is what we listen for
  try {
    await presence.connect();
    await ensureDatabase(presence, place);
    return { presence, pid: found.pid };
  } catch (error) {
    await presence.end();
    if (isErrno(error, "53100")) throw diskFull(place.home, error);
    if (await isServerOf(place.dataFolder, found.pid)) return "busy";
    if (isErrno(error, "57P03", "57P01", "53300")) return "busy"; // answers from outside our process namespace
  }
  await clearRemains(place, found.pid);
  return undefined;
}

/** PostgreSQL takes a reused process id for a running server and would not start. */
async function clearRemains(place: Place, pid: number): Promise<void> {
  if (!isAlive(pid)) return; // it finds that out by itself
  if ((await readPostmaster(place.dataFolder))?.pid !== pid) return;
  await rm(join(place.dataFolder, "postmaster.pid"), { force: true });
  for (const name of await readdir(place.socketFolder)) await rm(join(place.socketFolder, name), { force: true });
}

async function ensureDatabase(admin: Client, place: Place): Promise<void> {
  const { rows } = await admin.query("select from pg_database where datname = $1", [role]);
  if (rows.length > 0) return;
  for (const statement of [
    `create role ${role} login`,
    ...(place.durable ? [`create database ${role} owner ${role}`] : []),
  ]) {
    try {
      await admin.query(statement);
    } catch (error) {
      if (!isErrno(error, "42710", "42P04", "23505")) throw error; // made by another process at this moment
    }
  }
}

/** Made aside and renamed: a crash, a full disk or a second process leave no half-made cluster. */
async function ensureCluster(place: Place): Promise<void> {
  const made = await versionOf(place.dataFolder);
  if (made !== undefined) {
    if (made === String(place.binaries.major)) return;
    throw new StoreError(
      "store_other_version",
      `The store in ${place.dataFolder} was made by PostgreSQL ${made}, and this release of Paybell brings PostgreSQL ${place.binaries.major}: export it with the release that made it, or run it under PostgreSQL ${made} and set DATABASE_URL.`,
    );
  }
  await clearDrafts(place.home);
  const draft = join(place.home, `data.new-${process.pid}-${randomBytes(4).toString("hex")}`);
  try {
    await ensureOwn(draft, place.user);
    const { status, output } = await runInit(place, draft);
    if (status !== 0) throw startError(place, output);
    await rename(draft, place.dataFolder);
    await syncFolder(place.home);
  } catch (error) {
    if (!isErrno(error, "ENOTEMPTY", "EEXIST")) throw error; // another process was first
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function versionOf(dataFolder: string): Promise<string | undefined> {
  try {
    return (await readFile(join(dataFolder, "PG_VERSION"), "utf8")).trim();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function clearDrafts(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const pid = /^data\.new-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(home, name), { recursive: true, force: true });
  }
}

function runInit(place: Place, draft: string): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(place.binaries.folder, "bin/initdb"), initArguments(draft, place.durable), {
      ...place.user,
      cwd: "/",
      env: serverEnvironment,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-4_000);
    });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output }));
  });
}

/** Starts the server and waits until it is ready or has given up. @returns what it said when it gave up */
async function launch(place: Place): Promise<string | undefined> {
  const logFile = join(place.home, "postgres.log");
  await rotate(logFile);
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  const log = await open(logFile, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600);
  let child: ChildProcess;
  const start = (await log.stat()).size;
  try {
    // A process group of its own: Ctrl-C in a terminal reaches us alone, and we stop it in order.
    child = spawn(
      join(place.binaries.folder, "bin/postgres"),
      serverArguments(place.dataFolder, place.socketFolder, place.durable),
      { ...place.user, cwd: "/", env: serverEnvironment, detached: true, stdio: ["ignore", log.fd, log.fd] },
    );
  } finally {
    await log.close();
  }
  child.unref();
  let ended: string | undefined;
  child.on("error", (error) => {
    ended = error.message;
  });
  child.on("exit", (code, signal) => {
    ended ??= `exit ${signal ?? code}`;
  });
  for (;;) {
    if (ended !== undefined) return `${await readFrom(logFile, start)}\n${ended}`;
    const running = await readPostmaster(place.dataFolder);
    if (running?.pid === child.pid && running?.isReady) return undefined;
    await delay(5);
  }
}

/** The log is small, as no statement gets into it; two of them are kept. */
async function rotate(logFile: string): Promise<void> {
  try {
    if ((await stat(logFile)).size > 1_000_000) await rename(logFile, `${logFile}.1`);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}

async function readFrom(file: string, offset: number): Promise<string> {
  return (await readFile(file)).subarray(offset).toString("utf8").slice(-4_000);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function startError(place: Place, output: string): StoreError {
  if (output.includes("No space left on device")) return diskFull(place.home, output);
  const unknown = /could not look up effective user ID (\d+)/.exec(output)?.[1];
  if (unknown !== undefined) {
    return new StoreError(
      "store_no_user",
      `PostgreSQL needs an entry in /etc/passwd for the user it runs as, and there is none for ${unknown}: add one, run Paybell as another user, or set DATABASE_URL.`,
    );
  }
  const lines = output.trim().split("\n");
  const reason = lines.findLast((line) => /FATAL|PANIC|error:/.test(line)) ?? lines.at(-1) ?? "";
  return new StoreError(
    "store_not_started",
    `The store in ${place.home} could not be started: ${reason.replace(/^.*?(FATAL|PANIC|error): +/, "")}`,
    output,
  );
}
