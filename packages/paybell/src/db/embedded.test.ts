import { execFileSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { compileStore, type StoreProcess, startProcess } from "../testing/store-process.ts";
import { isAlive, waitFor } from "./embedded-process.ts";
import type { StoreConnection } from "./embedded-settings.ts";
import { isRoot, type ServerUser } from "./embedded-user.ts";
import { createPool, isUnavailable } from "./pool.ts";

const nobody: ServerUser = { uid: 65534, gid: 65534 };
/** Root hands the server to another user; everybody else runs it as they are. Only root can try both. */
const starters: [string, ServerUser | undefined][] = isRoot()
  ? [
      ["root", undefined],
      ["an ordinary user", nobody],
    ]
  : [["whoever runs the tests", undefined]];

let compiled: string;
let processes: StoreProcess[] = [];
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  compiled = await compileStore();
});

afterEach(async () => {
  await Promise.all(processes.map((process) => process.stop()));
  processes = [];
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

afterAll(async () => {
  await rm(compiled, { recursive: true, force: true });
});

function start(folder: string, user?: ServerUser): StoreProcess {
  const process = startProcess(compiled, folder, user);
  processes.push(process);
  return process;
}

/** A folder the user owns, and everybody can enter. */
async function folderFor(user: ServerUser | undefined): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "paybell-test-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  if (user) await chown(folder, user.uid, user.gid);
  return folder;
}

async function ask<Row extends object>(connection: StoreConnection, text: string): Promise<Row[]> {
  const pool = createPool(connection, { max: 1 });
  try {
    return (await pool.query<Row>(text)).rows;
  } finally {
    await pool.end();
  }
}

const isGone = (pid: number) => waitFor(() => !isAlive(pid), 15_000);

describe.each(starters)("started by %s", (_name, user) => {
  test("what was committed is there after a stop and a start, and no server is left after a stop", async () => {
    const folder = await folderFor(user);
    const first = start(folder, user);
    const { connection, pid } = await first.said;
    await ask(connection, "create table note as select 1 as id");
    await first.stop();
    expect(await isGone(pid)).toBe(true);

    const second = await start(folder, user).said;
    expect(await ask(second.connection, "select id from note")).toEqual([{ id: 1 }]);
  });

  test("durability is on, TCP is off, and text sorts by code point", async () => {
    const { connection } = await start(await folderFor(user), user).said;
    const [row] = await ask(
      connection,
      `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
         current_setting('full_page_writes') as pages, current_setting('listen_addresses') as tcp,
         'Z' < 'a' as sorted, upper('ß') as upper, (select rolsuper from pg_roles where rolname = current_user) as super`,
    );
    expect(row).toEqual({ fsync: "on", commit: "on", pages: "on", tcp: "", sorted: true, upper: "ß", super: false });
  });

  test("two processes share one server, and the last to stop stops it", async () => {
    const folder = await folderFor(user);
    const first = start(folder, user);
    const { pid } = await first.said;
    const second = start(folder, user);
    const shared = await second.said;
    expect(shared.pid).toBe(pid);

    await first.stop();
    expect(await ask(shared.connection, "select 1 as one")).toEqual([{ one: 1 }]);
    await second.stop();
    expect(await isGone(pid)).toBe(true);
  });

  test("two processes that start on a new folder at once share one server, and stopping together leaves none", async () => {
    const folder = await folderFor(user);
    const both = [start(folder, user), start(folder, user)];
    const [first, second] = await Promise.all(both.map((process) => process.said));
    expect(second?.message).toBeUndefined();
    expect(second?.pid).toBe(first?.pid);

    await Promise.all(both.map((process) => process.stop()));
    expect(await isGone(first?.pid ?? 0)).toBe(true);
  });

  test("a server whose process was killed is taken over by the next start", async () => {
    const folder = await folderFor(user);
    const first = start(folder, user);
    const { pid } = await first.said;
    await first.kill();
    expect(isAlive(pid)).toBe(true);

    const second = start(folder, user);
    expect((await second.said).pid).toBe(pid);
    await second.stop();
    expect(await isGone(pid)).toBe(true);
  });

  test("a server that is killed comes back with everything committed, and the pool finds it", async () => {
    const folder = await folderFor(user);
    const { connection, pid } = await start(folder, user).said;
    const pool = createPool(connection, { max: 2 });
    cleanups.push(() => pool.end());
    await pool.query("create table note as select 1 as id");
    process.kill(pid, "SIGKILL");

    const failures: unknown[] = [];
    const answers = async () => {
      try {
        return (await pool.query("select id from note")).rows.length === 1;
      } catch (error) {
        failures.push(error);
        return false;
      }
    };
    await isGone(pid);
    expect(await waitFor(answers, 10_000)).toBe(true);
    expect(failures.filter((error) => !isUnavailable(error))).toEqual([]);
  });

  test("the mark of a dead server does not block a start, even when its number is now another process's", async () => {
    const folder = await folderFor(user);
    const first = start(folder, user);
    const { dataFolder, connection } = await first.said;
    await first.stop();
    const mark = `${process.pid}\n${dataFolder}\n0\n${connection.port}\n${connection.host}\n\n0 0\nready\n`;
    await writeFile(join(dataFolder, "postmaster.pid"), mark);
    await writeFile(join(connection.host, `.s.PGSQL.${connection.port}.lock`), mark);

    const second = await start(folder, user).said;
    expect(await ask(second.connection, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("a store of another major version is refused with both versions and the way out", async () => {
    const folder = await folderFor(user);
    const first = start(folder, user);
    const { dataFolder } = await first.said;
    await first.stop();
    await writeFile(join(dataFolder, "PG_VERSION"), "17\n");

    const refused = await start(folder, user).said;
    expect(refused.code).toBe("store_other_version");
    expect(refused.message).toMatch(/PostgreSQL 17.*PostgreSQL 18.*DATABASE_URL/);
  });

  test("a folder too deep for a socket's path works all the same", async () => {
    const folder = join(await folderFor(user), "deep".repeat(20), "er".repeat(20));
    const { connection } = await start(folder, user).said;
    expect(connection.host.length).toBeLessThan(80);
    expect(await ask(connection, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("a folder below one that only its owner can enter works, and is found again", async () => {
    const parent = await folderFor(user);
    await chmod(parent, 0o700);
    const folder = join(parent, "data");
    const first = start(folder, user);
    const { connection, dataFolder, lines } = await first.said;
    const isMoved = dataFolder.startsWith("/var/lib/paybell/");
    if (isMoved) cleanups.push(() => rm(dirname(dirname(dataFolder)), { recursive: true, force: true }));
    expect(isMoved).toBe(isRoot() && user === undefined);
    expect(lines.length).toBe(isMoved ? 1 : 0);
    await ask(connection, "create table note as select 1 as id");
    await first.stop();

    const second = await start(folder, user).said;
    expect(second.dataFolder).toBe(dataFolder);
    expect(await ask(second.connection, "select id from note")).toEqual([{ id: 1 }]);
  });

  test("the server's log holds neither statements nor values", async () => {
    const { connection, dataFolder } = await start(await folderFor(user), user).said;
    await ask(connection, "create table note (id text primary key); insert into note values ('buyer@example.com')");
    await expect(ask(connection, "insert into note values ('buyer@example.com')")).rejects.toThrow("duplicate key");
    await expect(ask(connection, "select 'buyer@example.com'::int")).rejects.toThrow("invalid input");
    expect(await readFile(join(dirname(dataFolder), "postgres.log"), "utf8")).not.toMatch(/buyer|insert/);
  });
});

/** What needs a second user or a small disk, and so can only be tried by root. */
const asRoot = isRoot() ? [["root"]] : [];

describe.each(asRoot)("tried by %s", () => {
  test("another user of the machine cannot connect", async () => {
    const { connection } = await start(await folderFor(undefined)).said;
    const socket = `${connection.host}/.s.PGSQL.${connection.port}`;
    const script = `require("node:net").connect(${JSON.stringify(socket)}).on("connect", () => console.log("in")).on("error", (e) => console.log(e.code))`;
    const seen = execFileSync(join(compiled, "node"), ["-e", `${script}.on("connect", () => process.exit())`], {
      ...nobody,
      cwd: "/",
    });
    expect(seen.toString().trim()).toBe("EACCES");
    await new Promise((resolve, reject) => {
      const ours = createConnection(socket, () => resolve(ours.destroy())).on("error", reject);
    });
  });

  test("a folder that belongs to another user is refused with a sentence", async () => {
    const folder = await folderFor(undefined);
    const first = start(folder);
    await first.said;
    await first.stop();
    const refused = await start(folder, nobody).said;
    expect(refused.code).toBe("store_folder");
  });

  test("a store made by an ordinary user is run by root under that user", async () => {
    const folder = await folderFor(nobody);
    const first = start(folder, nobody);
    await ask((await first.said).connection, "create table note as select 1 as id");
    await first.stop();
    const second = await start(folder).said;
    expect(await ask(second.connection, "select id from note")).toEqual([{ id: 1 }]);
  });

  test("a store that is no longer in reach is not replaced by an empty one", async () => {
    const parent = await folderFor(undefined);
    const first = start(join(parent, "data"));
    await first.said;
    await first.stop();
    await chmod(parent, 0o700);
    expect((await start(join(parent, "data")).said).code).toBe("store_folder");
  });

  test("a user without a name is told what is missing", async () => {
    const nameless = { uid: 54_321, gid: 54_321 };
    const refused = await start(await folderFor(nameless), nameless).said;
    expect(refused).toEqual({ code: "store_no_user", message: expect.stringContaining("none for 54321") });
  });

  test("a full disk is one sentence at the start", async () => {
    const folder = await smallDisk(20);
    const refused = await start(folder).said;
    expect(refused).toEqual({ code: "store_disk_full", message: expect.stringContaining("The disk is full") });
  });

  test("a full disk is one sentence after a crash too, and the store starts when there is space again", async () => {
    const folder = await smallDisk(100);
    const first = start(folder);
    const { connection, pid } = await first.said;
    await ask(connection, "create table note as select repeat('x', 1000) from generate_series(1, 2000)");
    await first.kill();
    process.kill(pid, "SIGKILL");
    await isGone(pid);
    const filler = join(folder, "filler");
    await expect(writeFile(filler, Buffer.alloc(100 * 2 ** 20))).rejects.toThrow("ENOSPC");
    expect((await start(folder).said).code).toBe("store_disk_full");

    await rm(filler);
    const later = await start(folder).said;
    expect(await ask(later.connection, "select count(*) from note")).toEqual([{ count: 2000n }]);
  });

  test("a disk that fills up fails statements for now, and they succeed when there is space again", async () => {
    const folder = await smallDisk(150);
    const { connection } = await start(folder).said;
    await ask(connection, "create table note (body text)");
    const filler = join(folder, "filler");
    await expect(writeFile(filler, Buffer.alloc(150 * 2 ** 20))).rejects.toThrow("ENOSPC");

    const insert = () => ask(connection, "insert into note select repeat('x', 1000) from generate_series(1, 1000)");
    const failure: unknown = await insert().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "53100" });
    expect(isUnavailable(failure)).toBe(true);

    await rm(filler);
    await insert();
    expect(await ask(connection, "select count(*) from note")).toEqual([{ count: 1000n }]);
  });
});

async function smallDisk(megabytes: number): Promise<string> {
  const folder = join(await folderFor(undefined), "disk");
  await mkdir(folder);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=755`, "tmpfs", folder]);
  cleanups.push(async () => execFileSync("umount", ["--lazy", folder]));
  return folder;
}
