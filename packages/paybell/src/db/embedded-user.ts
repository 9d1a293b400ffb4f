import { readFile, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { StoreError } from "./store-error.ts";

/** Who the server runs as; undefined: as we do. */
export type ServerUser = { readonly uid: number; readonly gid: number };

/**
 * PostgreSQL refuses to run as root: `postgres` if there is one, else `nobody`.
 * @throws StoreError store_no_user
 */
export async function unprivilegedUser(): Promise<ServerUser> {
  const accounts = await readFile("/etc/passwd", "utf8");
  for (const name of ["postgres", "nobody"]) {
    const fields = accounts
      .split("\n")
      .find((line) => line.startsWith(`${name}:`))
      ?.split(":");
    const uid = Number(fields?.[2]);
    const gid = Number(fields?.[3]);
    if (Number.isInteger(uid) && Number.isInteger(gid) && uid !== 0) return { uid, gid };
  }
  throw new StoreError(
    "store_no_user",
    "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody: run Paybell as another user, or set DATABASE_URL.",
  );
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** May the user enter this folder and all above it? Read from the mode bits, as an ACL could only be asked by trying. */
export async function canReach(path: string, user: ServerUser): Promise<boolean> {
  let folder = await realpath(path);
  for (;;) {
    const { mode, uid, gid } = await stat(folder);
    const enter = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & enter) === 0) return false;
    if (folder === dirname(folder)) return true;
    folder = dirname(folder);
  }
}
