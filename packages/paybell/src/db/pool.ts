import { Pool, type PoolConfig, types } from "pg";
import type { StoreConnection } from "./embedded-settings.ts";

/**
 * A pool over the embedded store or a server elsewhere. In its rows `bigint` is a BigInt (`count(*)` too),
 * `timestamptz` milliseconds since 1970 (whole ones, rounded down; ±Infinity for infinity), `numeric`, `date`
 * and `timestamp` the server's text. Of parameters, an instant is passed as `new Date(at)`.
 * Limits travel with the connection's start: a pooler in between (PgBouncer) must let statement_timeout and
 * idle_in_transaction_session_timeout pass (`ignore_startup_parameters`).
 * A lost connection is replaced by itself; it fails the statement that needed it, never the process.
 * @param store connection of the embedded store, or a `postgres://` address
 * @param options.log gets one line when an idle connection is lost
 * @param options.plannedOnce for statements that are few and always ask the same: planning one for its values takes longer
 * than running it, and PostgreSQL would do so each time
 */
export function createPool(
  store: StoreConnection | string,
  options: { readonly max?: number; readonly log?: (line: string) => void; readonly plannedOnce?: boolean } = {},
): Pool {
  const pool = new Pool({
    application_name: "paybell",
    ...(typeof store === "string" ? { connectionString: store } : store),
    max: options.max ?? 8,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 60_000,
    query_timeout: 35_000, // the server's own limit does not help when its machine has vanished
    options: settings(options.plannedOnce ? [...planning, "plan_cache_mode=force_generic_plan"] : planning),
    pipeline: true, // statements of a transaction that do not wait for each other share a way to the server
    types: { getTypeParser },
  });
  // Without a listener the loss of an idle connection would end the process …
  pool.on("error", (error) => options.log?.(`A connection to the store was lost: ${error.message}`));
  // … and so would that of one in use, which its statement reports anyway.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/**
 * Every statement of ours is a walk along indexes, joined in the order it is written. A plan made while the tables were
 * small would read them whole, and PostgreSQL keeps the plan of a prepared statement long after they have grown.
 */
const planning = [
  "enable_seqscan=off",
  "enable_hashjoin=off",
  "enable_mergejoin=off",
  "join_collapse_limit=1",
  "jit=off",
];

function settings(all: readonly string[]): string {
  return all.map((setting) => `-c ${setting}`).join(" ");
}

/** A statement whose answer got lost with its connection is given up sooner than the driver would. */
export async function inTime<T>(statement: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("timeout expired")), lateMs);
  });
  try {
    return await Promise.race([statement, late]);
  } finally {
    clearTimeout(timer);
  }
}

const lateMs = 10_000;

/**
 * Is the store out of reach, out of space, shutting down or read-only for now? Then the sender should come again
 * later; everything else is a fault of ours.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (networkCodes.has(code) || stateCodes.test(code)) return true;
  if (code === "" && driverSentences.test(error.message)) return true;
  return error.cause !== undefined && isUnavailable(error.cause);
}

/** Can this value never be stored? Data exceptions and violated constraints. Source: PostgreSQL 18, appendix A */
export function isDataFault(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^2[23]...$/.test(String(error.code));
}

const networkCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT", // the socket
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/**
 * Connection lost, insufficient resources (disk full, too many connections), shutting down or starting up,
 * read-only, error of the disk. Source: PostgreSQL 18, appendix A
 */
const stateCodes = /^(08(?!P01)...|53...|57P0[1-5]|25006|58030)$/;

/** What pg 8.23 and pg-pool 3.14 say without a code. */
const driverSentences =
  /^(timeout exceeded when trying to connect|timeout expired|Query read timeout|Connection terminated.*|Client (has encountered a connection error|was closed) and is not queryable|Cannot use a pool after calling end on the pool)$/;

type Types = NonNullable<PoolConfig["types"]>;

const getTypeParser: Types["getTypeParser"] = (oid, format) =>
  (format === "binary" ? undefined : parsers.get(oid)) ?? types.getTypeParser(oid, format);

/** Of numbers and times only, whose text holds no comma, quote or brace. */
const arrayOf = (parse: (text: string) => unknown) => (text: string) =>
  text === "{}"
    ? []
    : text
        .slice(1, -1)
        .split(",")
        .map((one) => (one === "NULL" ? null : parse(one.replaceAll('"', ""))));

/** Source: PostgreSQL 18, src/include/catalog/pg_type.dat */
const parsers = new Map<number, (text: string) => unknown>([
  [20, BigInt], // int8
  [1016, arrayOf(BigInt)],
  [1184, parseTimestamp], // timestamptz
  [1185, arrayOf(parseTimestamp)],
  [1082, String], // date
  [1182, arrayOf(String)],
  [1114, String], // timestamp
  [1115, arrayOf(String)],
]);

/** Reads `2026-01-31 23:59:59.999+00`, as written under DateStyle ISO. */
function parseTimestamp(text: string): number {
  const parts = isoTimestamp.exec(text);
  if (!parts) {
    if (text === "infinity") return Number.POSITIVE_INFINITY;
    if (text === "-infinity") return Number.NEGATIVE_INFINITY;
    throw new Error(`The store wrote a timestamp that cannot be read: ${text}`);
  }
  const [, year, month, day, hour, minute, second, fraction = "", sign, zoneHour, zoneMinute = 0, zoneSecond = 0] =
    parts;
  const offset = Number(zoneHour) * 3600 + Number(zoneMinute) * 60 + Number(zoneSecond);
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, "0").slice(0, 3)));
  return date.getTime() + (sign === "+" ? -1000 : 1000) * offset;
}

const isoTimestamp =
  /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?([+-])(\d\d)(?::(\d\d)(?::(\d\d))?)?$/;
