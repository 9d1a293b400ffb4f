import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { apiKey } from "./shop.ts";

const bin = join(import.meta.dirname, "../../bin/paybell.js");

/** `paybell serve` as a process of its own: the real thing, which can be killed and frozen. */
export type Server = {
  readonly base: string;
  isUp(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** sends the signal and waits for the end */
  end(signal: NodeJS.Signals): Promise<void>;
};

/** A folder for the embedded store, which every server given it shares; removed after the file's last test. */
export function storeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "paybell-server-"));
  chmodSync(folder, 0o755); // run by root, the store's own user must get in
  afterAll(async () => {
    for (const server of servers) {
      server.signal("SIGCONT");
      await server.end("SIGTERM");
    }
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

const servers = new Set<Server>();

/** Resolves when it is ready. */
export async function serve(folder: string, port: number, env: Record<string, string> = {}): Promise<Server> {
  const child: ChildProcess = spawn(process.execPath, [bin, "serve", "--port", String(port), "--data", folder], {
    env: { ...process.env, PAYBELL_API_KEY: apiKey, DATABASE_URL: undefined, NODE_OPTIONS: "", ...env },
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const server: Server = {
    base: `http://127.0.0.1:${port}`,
    isUp: () => child.exitCode === null && child.signalCode === null,
    signal: (signal) => void child.kill(signal),
    async end(signal) {
      servers.delete(server);
      child.kill(signal);
      await ended;
    },
  };
  servers.add(server);
  await untilAsync(async () => {
    if (!server.isUp()) throw new Error(`serve ended with ${child.exitCode}`);
    return (await fetch(`${server.base}/readyz`)).ok;
  });
  return server;
}

/** The postmaster of a data folder. */
export function storeProcess(folder: string): number {
  return Number(readFileSync(join(folder, "postgres/data/postmaster.pid"), "utf8").split("\n")[0]);
}

/** @throws for every answer that is no success */
export async function api<T>(base: string, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** All pages of a list. */
export async function all<T>(base: string, path: string): Promise<T[]> {
  const rows: T[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { data: T[]; next_cursor: string | null } = await api(
      base,
      "GET",
      `${path}${path.includes("?") ? "&" : "?"}limit=200${cursor && `&cursor=${cursor}`}`,
    );
    rows.push(...page.data);
    cursor = page.next_cursor;
  }
  return rows;
}

export async function until(done: () => boolean): Promise<void> {
  await untilAsync(async () => done());
}

/** Waits for a condition, a minute at most; a server that cannot be reached has not fulfilled it. */
export async function untilAsync(done: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    if (await done().catch((error: unknown) => (error instanceof TypeError ? false : Promise.reject(error)))) return;
    if (Date.now() > deadline) throw new Error("It did not happen within a minute.");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
