import { execFileSync } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findBinaries, readyBinaries } from "./embedded-binaries.ts";
import { isRoot, type ServerUser } from "./embedded-user.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "paybell-binaries-"));
  await chmod(folder, 0o755);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const user: ServerUser | undefined = isRoot() ? { uid: 65534, gid: 65534 } : undefined;

test("binaries that are complete and in reach are used where they are", async () => {
  const found = await findBinaries();
  expect(found.major).toBe(18);
  await readyBinaries(found, undefined, () => mkdtemp(join(folder, "copies")));
  expect(await readdir(folder)).toEqual([]);
});

test("binaries that are out of reach, or lack links in a closed folder, are copied once and run from there", async () => {
  const found = await findBinaries();
  const closed = join(folder, "closed");
  await mkdir(closed);
  const installed = join(closed, "native");
  await cp(found.folder, installed, {
    recursive: true,
    filter: (path) => !/\.so(\.\d+)?$|\.a$/.test(path) || !/libpq|libecpg|libpgtypes|libicu/.test(path),
  });
  await chmod(join(installed, "lib"), 0o500);
  await chmod(closed, 0o700);

  const copies = join(folder, "copies");
  await mkdir(copies, { mode: 0o755 });
  const ready = () => readyBinaries({ ...found, folder: installed }, user, async () => copies);
  const [first, second] = await Promise.all([ready(), ready()]);
  await chmod(join(installed, "lib"), 0o700);
  expect(first).toEqual(second);
  expect(await readdir(copies)).toEqual([`postgresql-${found.version}`]);
  const version = execFileSync(join(first.folder, "bin/postgres"), ["--version"], { ...user, cwd: "/", env: {} });
  expect(version.toString()).toContain("PostgreSQL) 18.");
});
