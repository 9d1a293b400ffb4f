import { resolve } from "node:path";
import { type Logger, pino } from "pino";
import type { PaybellOptions } from "../paybell.ts";
import type { Given } from "./command.ts";
import { wrongUsage } from "./failure.ts";

/** Where the store is and how it is opened: the flags of every command that works on it. */
export const storeFlags = {
  data: { type: "string", description: "data folder, ./paybell-data", valueHint: "folder", env: "PAYBELL_DATA" },
  database: {
    type: "string",
    description: 'a PostgreSQL elsewhere instead of the embedded one, or "memory"',
    valueHint: "postgres://…",
    env: "DATABASE_URL",
  },
  "master-key": {
    type: "string",
    description: "32 bytes as Base64; made in the data folder if missing",
    valueHint: "key",
    env: "PAYBELL_MASTER_KEY",
  },
  "time-zone": {
    type: "string",
    description: "in which days are days, Europe/Berlin",
    valueHint: "zone",
    env: "PAYBELL_TIME_ZONE",
  },
  "smtp-url": {
    type: "string",
    description: "mail server; without it mails are kept and shown",
    valueHint: "smtp://…",
    env: "SMTP_URL",
  },
  "public-url": {
    type: "string",
    description: "where the world reaches this server",
    valueHint: "https://…",
    env: "PAYBELL_PUBLIC_URL",
  },
  "allow-nets": {
    type: "string",
    description: "ranges in your own network that deliveries may reach; without it public addresses only",
    valueHint: "10.0.0.0/8,…",
    env: "PAYBELL_ALLOW_NETS",
  },
  "http-proxy": {
    type: "string",
    description: "deliveries go through it",
    valueHint: "http://…",
    env: "PAYBELL_HTTP_PROXY",
  },
} as const;

/** Where HTTP is served. */
export const listenFlags = {
  port: { type: "string", description: "8787; 0 takes a free one", valueHint: "number", env: "PAYBELL_PORT" },
  host: { type: "string", description: "127.0.0.1", valueHint: "address", env: "PAYBELL_HOST" },
} as const;

type StoreGiven = Given<typeof storeFlags>["flags"];

export type StoreSettings = Required<Pick<PaybellOptions, "database" | "dataFolder">> &
  Pick<PaybellOptions, "masterKey" | "timeZone" | "smtpUrl" | "publicUrl" | "allowNets" | "httpProxy">;

/** @throws Failure for what cannot be meant */
export function readStoreSettings(flags: StoreGiven): StoreSettings {
  const dataFolder = flags.data ?? "./paybell-data";
  const database = flags.database ?? dataFolder;
  if (/^[a-z0-9+]+:\/\//i.test(database) && !/^postgres(ql)?:\/\//.test(database))
    throw wrongUsage("database_url_invalid", "DATABASE_URL must look like postgres://user:password@host:5432/name.");
  const { "master-key": masterKey, "time-zone": timeZone, "smtp-url": smtpUrl, "public-url": publicUrl } = flags;
  const { "allow-nets": allowNets, "http-proxy": httpProxy } = flags;
  if (timeZone !== undefined && !isTimeZone(timeZone))
    throw wrongUsage("time_zone_unknown", `"${timeZone}" is no time zone; one looks like Europe/Berlin.`);
  if (publicUrl !== undefined && !isWebAddress(publicUrl))
    throw wrongUsage("public_url_invalid", `"${publicUrl}" is no address such as https://pay.example.com.`);
  if (httpProxy !== undefined && !isWebAddress(httpProxy))
    throw wrongUsage("http_proxy_invalid", `"${httpProxy}" is no address such as http://proxy.example:3128.`);
  return {
    database,
    dataFolder,
    ...(masterKey !== undefined && { masterKey }),
    ...(timeZone !== undefined && { timeZone }),
    ...(smtpUrl !== undefined && { smtpUrl }),
    ...(publicUrl !== undefined && { publicUrl }),
    ...(allowNets !== undefined && { allowNets }),
    ...(httpProxy !== undefined && { httpProxy }),
  };
}

export function readListenSettings(flags: Given<typeof listenFlags>["flags"]): { host: string; port: number } {
  return { host: flags.host ?? "127.0.0.1", port: readNumber("port", flags.port, 8787, { least: 0, most: 65_535 }) };
}

/** A whole number of a flag. */
export function readNumber(
  name: string,
  text: string | undefined,
  usual: number,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  if (text === undefined) return usual;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw wrongUsage("number_invalid", `--${name} is a whole number from ${least} to ${most}, not "${text}".`);
}

/** A span such as `90s`, `10m`, `2h`, `3d`, in milliseconds; undefined for anything else. */
export function parseSpan(text: string): number | undefined {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = unitsMs.get(unit);
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}

const unitsMs = new Map([
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** Where people can read it: sentences on a terminal, JSON lines into files and pipes. Never on stdout, which is for results. */
export function commandLog(): Logger {
  const level = process.env["LOG_LEVEL"] ?? "warn";
  const lines = process.stderr.isTTY ? { write: writeSentence } : pino.destination({ fd: 2, sync: true });
  return pino({ name: "paybell", level }, lines);
}

function writeSentence(line: string): void {
  const { msg, code }: { msg?: string; code?: string } = JSON.parse(line);
  process.stderr.write(`paybell: ${msg ?? ""}${code ? ` (${code})` : ""}\n`);
}

/** How the store is called in a line for a person; an address of a server may hold a password. */
export function nameOfStore({ database, dataFolder }: StoreSettings): string {
  if (database === "memory") return "in memory, gone at the end";
  if (!URL.canParse(database) || !database.includes("://")) return resolve(database);
  const { hostname, port, pathname } = new URL(database);
  return `PostgreSQL ${hostname}${port ? `:${port}` : ""}${pathname}, master key in ${resolve(dataFolder, "master.key")}`;
}

export function isWebAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
