import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, mkdtemp, realpath, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type Binaries, findBinaries, readyBinaries } from "./embedded-binaries.ts";
import { isErrno } from "./embedded-process.ts";
import { canReach, isRoot, type ServerUser, unprivilegedUser } from "./embedded-user.ts";
import { StoreError } from "./store-error.ts";

/**
 * Where one server lives. Under root `home` belongs to root, so that the server's user cannot plant links there;
 * the folders of data and socket are that user's, and closed to everybody else.
 */
export type Place = {
  readonly home: string;
  readonly dataFolder: string;
  readonly socketFolder: string;
  readonly user: ServerUser | undefined;
  readonly binaries: Binaries;
  /** false: may be lost with the machine */
  readonly durable: boolean;
};

/** Where root keeps what the server's user could not reach in the folder asked for. */
const systemFolder = "/var/lib/paybell";

/**
 * The place of the store for a requested folder: the same one each time.
 * @throws StoreError store_folder, store_unsupported, store_no_user
 */
export async function findPlace(requested: string, log: (line: string) => void): Promise<Place> {
  const found = await findBinaries();
  const folder = await ensureFolder(resolve(requested));
  const inside = join(folder, "postgres");
  if (!isRoot()) {
    await ensureOwn(inside, undefined);
    return placeIn(inside, undefined, await readyBinaries(found, undefined, async () => folder), true);
  }
  const digest = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const aside = join(systemFolder, digest, "postgres");
  const user =
    (await ownerOf(join(aside, "data"))) ?? (await ownerOf(join(inside, "data"))) ?? (await unprivilegedUser());
  let home = inside;
  if ((await isThere(join(aside, "data"))) || !(await canReach(folder, user))) {
    if (await isThere(join(inside, "data"))) {
      // Starting an empty store elsewhere would look as if everything were lost.
      throw new StoreError(
        "store_folder",
        `The store in ${inside} cannot be reached by the user it belongs to (uid ${user.uid}): open the folders above it for entering (chmod a+x).`,
      );
    }
    home = aside;
    log(`The data folder ${folder} cannot be entered by the server's user; the store is kept in ${aside} instead.`);
    await mkdir(dirname(aside), { recursive: true, mode: 0o755 });
    await writeFile(join(dirname(aside), "requested-folder"), `${folder}\n`);
  }
  await ensureFolder(home);
  const binaries = await readyBinaries(found, user, () => ensureFolder(systemFolder));
  if (binaries.folder !== found.folder) log(`The server's user runs a copy of PostgreSQL in ${binaries.folder}.`);
  return placeIn(home, user, binaries, true);
}

/** A place that is thrown away. `prefix` ends in the owner's process id. */
export async function temporaryPlace(prefix: string): Promise<Place> {
  const found = await findBinaries();
  const user = isRoot() ? await unprivilegedUser() : undefined;
  const parent = await temporaryParent(user);
  const home = await mkdtemp(join(parent, prefix));
  if (user) await chmod(home, 0o711);
  const copies = () =>
    user ? ensureFolder(systemFolder) : ensureOwn(join(parent, `paybell-${process.getuid?.() ?? 0}`), undefined);
  return placeIn(home, user, await readyBinaries(found, user, copies), false);
}

/** The system's temporary folder, where the server's user can enter it. */
export async function temporaryParent(user: ServerUser | undefined): Promise<string> {
  const wanted = tmpdir();
  return user === undefined || (await canReach(wanted, user)) ? wanted : "/tmp";
}

async function placeIn(
  home: string,
  user: ServerUser | undefined,
  binaries: Binaries,
  durable: boolean,
): Promise<Place> {
  return {
    home,
    dataFolder: join(home, "data"),
    socketFolder: await findSocketFolder(home, user),
    user,
    binaries,
    durable,
  };
}

/** A socket's path ends at 107 bytes, on macOS at 103: deep folders get a short one, always the same. */
async function findSocketFolder(home: string, user: ServerUser | undefined): Promise<string> {
  const inside = join(home, "socket");
  if (Buffer.byteLength(inside) <= 80) return ensureOwn(inside, user);
  const digest = createHash("sha256").update(home).digest("hex").slice(0, 16);
  const parent = (user === undefined && process.env.XDG_RUNTIME_DIR) || "/tmp";
  const short = join(Buffer.byteLength(parent) <= 50 ? parent : "/tmp", `paybell-${digest}`);
  return ensureOwn(short, user);
}

async function ensureFolder(folder: string): Promise<string> {
  try {
    const made = await mkdir(folder, { recursive: true });
    if (made !== undefined && isRoot()) await chmod(folder, 0o755); // whatever the umask: the server's user passes through
    return await realpath(folder);
  } catch (error) {
    throw folderError(folder, error);
  }
}

/** Makes a folder that only the server's user and root can enter, or makes sure that it is one. */
export async function ensureOwn(folder: string, user: ServerUser | undefined): Promise<string> {
  const uid = user?.uid ?? process.getuid?.();
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw folderError(folder, error);
  }
  const now = await lstat(folder);
  const isNew = user !== undefined && now.uid === 0;
  if (!now.isDirectory() || (now.uid !== uid && !isNew)) {
    throw new StoreError(
      "store_folder",
      `${folder} belongs to another user (uid ${now.uid}): start Paybell as that user, or choose another data folder.`,
    );
  }
  if ((now.mode & 0o077) !== 0) await chmod(folder, 0o700);
  if (isNew) await chown(folder, user.uid, user.gid);
  return folder;
}

/** Whoever the store already belongs to goes on running it. */
async function ownerOf(dataFolder: string): Promise<ServerUser | undefined> {
  if (!(await isThere(dataFolder))) return undefined;
  const { uid, gid } = await stat(dataFolder);
  return uid === 0 ? undefined : { uid, gid };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

function folderError(folder: string, cause: unknown): StoreError {
  if (isErrno(cause, "ENOSPC")) return diskFull(folder, cause);
  return new StoreError(
    "store_folder",
    `The data folder ${folder} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}.`,
    cause,
  );
}

export function diskFull(folder: string, cause?: unknown): StoreError {
  return new StoreError(
    "store_disk_full",
    `The disk is full: the store in ${folder} cannot start until there is space.`,
    cause,
  );
}
