import { createServer, type Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { getRequestListener } from "@hono/node-server";
import type { Paybell } from "../paybell.ts";
import { failure } from "./failure.ts";

export type Listening = {
  readonly host: string;
  readonly port: number;
  /** as a program on this machine writes it, without a slash at its end */
  readonly url: string;
  /** accepts nothing new, lets requests under way finish, at most for `graceMs` */
  close(): Promise<void>;
};

export type Limits = {
  readonly headersMs: number;
  /** one request whole, its body included: a slow sender cannot hold a connection for longer */
  readonly requestMs: number;
  readonly keepAliveMs: number;
  /** larger headers are answered 431 */
  readonly headerBytes: number;
  readonly graceMs: number;
};

/**
 * Serves HTTP on a host and port; port 0 takes any free one.
 * @throws Failure: port_in_use, port_forbidden, host_unknown
 */
export async function listen(
  paybell: Pick<Paybell, "fetch">,
  { host, port }: { readonly host: string; readonly port: number },
  limits: Limits = usual,
): Promise<Listening> {
  const options = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
    maxHeaderSize: limits.headerBytes,
  };
  const answer = getRequestListener((request) => paybell.fetch(request), { overrideGlobalObjects: false });
  const server = createServer(options, (incoming, outgoing) => void answer(incoming, outgoing));
  await opened(server, host, port);
  const address = server.address();
  const bound = address !== null && typeof address === "object" ? address.port : port;
  return { host, port: bound, url: `http://${asLocal(host)}:${bound}`, close: () => close(server, limits.graceMs) };
}

/** Proxies keep connections for a minute; ours must not end first. */
const usual: Limits = {
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 65_000,
  headerBytes: 16 * 1024,
  graceMs: 10_000,
};

function opened(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(notOpened(error, host, port)));
    server.listen(port, host, () => resolve());
  });
}

function notOpened(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case "EADDRINUSE":
      return failure(
        "port_in_use",
        `Port ${port} on ${host} is taken by another program, perhaps by a Paybell that runs already: stop it, or choose another port with --port.`,
      );
    case "EACCES":
      return failure("port_forbidden", `This user may not open port ${port}: choose one above 1023 with --port.`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
      return failure("host_unknown", `${host} is no address of this machine: choose another with --host.`);
    default:
      return error;
  }
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<"closed">((resolve) => server.close(() => resolve("closed")));
  const deadline = performance.now() + graceMs;
  // A connection becomes idle when its answer is out; only then may it go.
  while ((await Promise.race([closed, delay(20)])) !== "closed") {
    if (performance.now() < deadline) server.closeIdleConnections();
    else server.closeAllConnections();
  }
}

function asLocal(host: string): string {
  if (host === "0.0.0.0" || host === "::" || host === "") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
