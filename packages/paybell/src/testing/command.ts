import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterAll } from "vitest";

/** How a command ended. */
export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type Line = { readonly type: string; readonly [name: string]: unknown };

export type Serving = {
  readonly child: ChildProcess;
  /** its `listening` line */
  readonly said: Line & { readonly url: string; readonly port: number };
  /** what it prints from then on, until it ends */
  readonly rest: Promise<readonly Line[]>;
  readonly ended: Promise<number | null>;
};

const root = join(import.meta.dirname, "../../../..");
const bin = join(root, "packages/paybell/bin/paybell.js");

/** Brings the built command up to date; child processes know no TypeScript. */
export function buildCommand(): void {
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b", "packages/paybell"], {
    cwd: root,
    stdio: "inherit",
  });
}

/** A folder of the test's own, removed after the last test of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "paybell-command-"));
  chmodSync(folder, 0o755); // under root the store's own user has to enter it, or its data would go elsewhere
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a command to its end. Of our own environment it sees nothing that could change what it does. */
export async function runCommand(
  args: readonly string[],
  {
    cwd = root,
    input = "",
    env = {},
  }: { cwd?: string; input?: string | Uint8Array; env?: Record<string, string> } = {},
): Promise<Ended> {
  const child = start(args, cwd, env);
  child.stdin?.on("error", () => undefined); // it may end without reading
  child.stdin?.end(input);
  const [code, stdout, stderr] = await Promise.all([endOf(child), text(child.stdout!), text(child.stderr!)]);
  return { code, stdout, stderr };
}

/** Starts a command that serves, with `--json`, and waits until it listens. Ended after the last test of the file. */
export async function startServing(args: readonly string[], cwd: string): Promise<Serving> {
  const child = start([...args, "--json"], cwd, {});
  const ended = endOf(child);
  const stderr = text(child.stderr!);
  cleanups.push(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await lines.next();
    if (done) throw new Error(`It ended before it listened: ${await stderr}`);
    const said: Serving["said"] = JSON.parse(value);
    if (said.type === "listening") return { child, said, rest: readRest(lines), ended };
  }
}

/** The lines of `--json`. @throws when one is not JSON */
export function linesOf(stdout: string): Line[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Line => JSON.parse(line));
}

const cleanups: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const cleanUp of cleanups.splice(0).toReversed()) await cleanUp();
});

function start(args: readonly string[], cwd: string, env: Record<string, string>): ChildProcess {
  const { PATH = "", HOME = "" } = process.env;
  return spawn(process.execPath, [bin, ...args], { cwd, env: { PATH, HOME, ...env } });
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("close", resolve));
}

async function readRest(lines: AsyncIterator<string>): Promise<Line[]> {
  const rest: Line[] = [];
  for (let next = await lines.next(); !next.done; next = await lines.next()) rest.push(JSON.parse(next.value));
  return rest;
}
