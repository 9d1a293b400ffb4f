import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import { afterAll } from "vitest";
import { portOf } from "./mail-server.ts";

/** One request, in full. */
export type Received = {
  readonly method: string;
  /** with its query */
  readonly path: string;
  /** lower-case names; of several of one name the first */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/**
 * What is answered; default 200 `OK`, which every format takes as arrived.
 * `hang`: never anything. `break`: the connection is closed without a word.
 */
export type Reply =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | "hang"
  | "break";

export type Receiver = {
  /** `http://127.0.0.1:port`; with TLS `https://localhost:port` */
  readonly url: string;
  readonly port: number;
  /** in order of arrival */
  readonly received: Received[];
  /** bodies of what was received, read as JSON */
  messages(): unknown[];
  /** from now on; `index` counts from 0 since the start */
  answer(how: (received: Received, index: number) => Reply | Promise<Reply>): void;
  /** resolves when so many have arrived since the start, with all of them */
  arrived(count: number): Promise<readonly Received[]>;
  stop(): Promise<void>;
};

/** An address on loopback that keeps what is brought to it; stopped after the file's tests. */
export async function startReceiver(
  options: { readonly port?: number; readonly tls?: ServerOptions } = {},
): Promise<Receiver> {
  const received: Received[] = [];
  let waiting: { count: number; resolve: (all: readonly Received[]) => void }[] = [];
  let how: (received: Received, index: number) => Reply | Promise<Reply> = () => ({});

  const onRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.on("error", () => undefined);
    const one = await read(request);
    if (!one) return;
    const index = received.push(one) - 1;
    for (const { resolve } of waiting.filter(({ count }) => count <= received.length)) resolve(received);
    waiting = waiting.filter(({ count }) => count > received.length);
    const reply = await how(one, index);
    if (reply === "hang") return;
    if (reply === "break") return void request.socket.destroy();
    response.writeHead(reply.status ?? 200, reply.headers).end(reply.body ?? "OK");
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => void onRequest(request, response);
  const server = options.tls ? createHttpsServer(options.tls, listener) : createHttpServer(listener);
  // What connects and never says anything, or in a way we refuse, is its own affair.
  server.on("clientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const port = portOf(server);
  let stopped: Promise<void> | undefined;
  const stop = () =>
    (stopped ??= new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }));
  stops.push(stop);
  return {
    url: options.tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    received,
    messages: () => received.map(({ body }) => JSON.parse(body) as unknown),
    answer: (next) => void (how = next),
    arrived: (count) =>
      received.length >= count ? Promise.resolve(received) : new Promise((resolve) => waiting.push({ count, resolve })),
    stop,
  };
}

const stops: (() => Promise<void>)[] = [];

afterAll(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** @returns undefined: it broke off */
async function read(request: IncomingMessage): Promise<Received | undefined> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of request) pieces.push(piece as Buffer);
  } catch {
    return undefined;
  }
  const headers = Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, values]) => [name, values?.[0] ?? ""]),
  );
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    headers,
    body: Buffer.concat(pieces).toString("utf8"),
  };
}
