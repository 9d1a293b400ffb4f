import type { ClientConfig } from "pg";

/** How to reach one database of the embedded server. */
export type StoreConnection = {
  readonly host: string; // the socket's folder
  readonly port: number; // part of the socket's name; nothing listens on TCP
  readonly user: string;
  readonly database: string;
  readonly ssl: false;
};

/** A PostgreSQL of our own: a child process behind a Unix socket, without a TCP port. */
export type EmbeddedStore = {
  readonly connection: StoreConnection;
  /** where the cluster lies; under root not always below the folder asked for */
  readonly dataFolder: string;
  /** of the server; another one after a restart */
  readonly pid: number;
  /**
   * To be called after the pools have ended. Several processes may share one folder: the last one to stop
   * stops the server. One that was killed does not count, and the next start takes its server over.
   */
  readonly stop: () => Promise<void>;
};

/** Our tables belong to this role. It is no superuser, so that a fault in a query stays within our tables. */
export const role = "paybell";

export function connectionTo(socketFolder: string, database: string): StoreConnection {
  return { host: socketFolder, port, user: role, database, ssl: false };
}

/** The superuser, for what the supervisor does. */
export function adminOf(socketFolder: string, applicationName: string): ClientConfig {
  return {
    host: socketFolder,
    port,
    user: "postgres",
    database: "postgres",
    ssl: false,
    application_name: applicationName,
    connectionTimeoutMillis: 5_000,
  };
}

/** What the log may hold: no statement, no value of a row. */
const quietLog = {
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_checkpoints: "off",
  log_parameter_max_length_on_error: "0",
};

/** Sizes for a small machine. They go into postgresql.conf, where an operator may change them. */
const sizes = {
  shared_buffers: "64MB",
  max_connections: "100",
  max_parallel_workers_per_gather: "0", // many small statements; /dev/shm is tiny in containers
  jit: "off",
};

/**
 * The builtin locale sorts by code point whatever the operating system, so that no library update breaks an index.
 * Trust is safe, because only the server's user and root can enter the socket's folder.
 */
export function initArguments(dataFolder: string, durable: boolean): string[] {
  return [
    "--pgdata", dataFolder,
    "--username", "postgres",
    "--encoding", "UTF8",
    "--locale-provider", "builtin",
    "--builtin-locale", "C.UTF-8",
    "--locale", "C",
    "--auth-local", "trust",
    "--auth-host", "reject",
    "--no-instructions",
    ...(durable ? [] : ["--no-sync"]),
    ...assignments({ ...sizes, timezone: "UTC", log_timezone: "UTC" }),
  ]; // biome-ignore format: one option per line
}

/** Given at each start: what durability and safety hang on is not left to a file. */
export function serverArguments(dataFolder: string, socketFolder: string, durable: boolean): string[] {
  const speed = {
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    autovacuum_naptime: "1h",
    max_connections: "400", // one cluster for all instances of the process
  };
  const safety = { fsync: "on", synchronous_commit: "on", full_page_writes: "on" };
  return [
    "-D",
    dataFolder,
    ...assignments({
      listen_addresses: "",
      port: String(port),
      unix_socket_directories: socketFolder,
      unix_socket_permissions: "0700",
      ...quietLog,
      ...(durable ? safety : speed),
    }),
  ];
}

export const port = 5432;

/** Nothing of our own environment (PGDATA, secrets) reaches the server. */
export const serverEnvironment = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

function assignments(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
