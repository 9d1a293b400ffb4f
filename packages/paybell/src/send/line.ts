import { isIP, type Socket } from "node:net";
import { type buildConnector, Client } from "undici";
import {
  type Answer,
  type Exchange,
  noPhases,
  type Outcome,
  type Phase,
  type Phases,
  startExchange,
} from "./exchange.ts";
import { connectionLost, type Failure, failureError } from "./failure.ts";
import { checkTarget, hostOf, httpsRequired, isLocalhost, type Nets } from "./nets.ts";
import { type OwnTls, openConnection, secureContextOf, type Way } from "./open.ts";
import { type Resolve, systemResolve } from "./resolve.ts";

/** One keep-alive connection to one receiver at a time, and the calls that go over it one after the other. */
export type Line = {
  /**
   * Calls once; a second time only when a kept connection turns out to be dead, so the receiver may see a repeat.
   * Redirects are answers. Ends at its deadline whatever the receiver, the network or a name server does.
   * @throws when another call is still running on this line, and for nothing else
   */
  call(call: Call): Promise<CallResult>;
  /** Lets the running call end; later ones fail with `line_closed`. */
  close(): Promise<void>;
  /** Ends the running call with `line_closed`. */
  destroy(): Promise<void>;
};

export type Call = {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
  /** default: POST */
  readonly method?: "GET" | "POST";
  /** bytes of the answer to read and to give whole; default: its beginning is enough */
  readonly readWhole?: number;
  /** over name, connection, TLS, headers and body together */
  readonly deadlineMs: number;
};

export type CallResult =
  | { readonly times: Times; readonly answer: Answer }
  | { readonly times: Times; readonly failure: Failure };

/** The phases are those of the last connection, where there were two. */
export type Times = Phases & { readonly totalMs: number };

export type LineOptions = {
  readonly nets: Nets;
  readonly resolve?: Resolve;
  /** `http://user:password@host:port`; it resolves the names then, and only literal addresses are checked here */
  readonly proxy?: string;
  readonly tls?: OwnTls;
  /** milliseconds of a clock that never jumps */
  readonly now?: () => number;
};

/** @throws an Error with the code `proxy_invalid`; its message never holds the proxy's URL, which may hold a password */
export function createLine({
  nets,
  resolve = systemResolve,
  proxy,
  tls,
  now = () => performance.now(),
}: LineOptions): Line {
  const way: Way = { nets, resolve, proxy: proxyUrl(proxy), secureContext: secureContextOf(tls) };
  let client: Client | null = null;
  let origin = "";
  let originRefusal: Failure | undefined;
  let running: { readonly call: Call; exchange: Exchange } | null = null;
  let ended: Promise<unknown> = Promise.resolve();
  let closed = false;

  const dropClient = () => {
    const dropped = client?.destroy();
    client = null;
    return dropped;
  };

  // undici keeps one connection per client, and opens the next through `connect` alone.
  const newClient = () => new Client(origin, { ...clientOptions, connect: (_options, done) => void connect(done) });

  const connect = async (done: buildConnector.Callback): Promise<void> => {
    if (!running) return done(new Error("Nobody waits for this connection."), null);
    const { exchange, call } = running;
    // undici would go on connecting to a server that closes every connection before the request is written.
    if (exchange.isFresh()) return done(failureError(connectionLost), null);
    let socket: Socket;
    try {
      socket = await openConnection(call.url, way, exchange.opening(), exchange.enter);
    } catch (error) {
      return done(error as Error, null);
    }
    done(null, socket);
  };

  const send = (call: Call): Exchange => {
    const exchange = startExchange(now, call.readWhole);
    running = { call, exchange };
    client ??= newClient();
    client.dispatch(
      {
        method: call.method ?? "POST",
        path: call.url.pathname + call.url.search,
        headers: call.headers,
        body: call.body,
      },
      exchange.handler,
    );
    return exchange;
  };

  const perform = async (call: Call): Promise<CallResult> => {
    const began = now();
    // Not the URL's own `origin`: that of blob:https://… is an https one.
    const calledOrigin = `${call.url.protocol}//${call.url.host}`;
    if (calledOrigin !== origin) {
      void dropClient();
      origin = calledOrigin;
      originRefusal = refuseTarget(call.url, way);
    }
    const refusal = closed ? lineClosed : (originRefusal ?? headerFault(call.headers));
    if (refusal) return { times: { ...noPhases, totalMs: now() - began }, failure: refusal };

    let exchange = send(call);
    const deadline = setTimeout(() => exchange.fail(timedOut(exchange.phase(), call.deadlineMs)), call.deadlineMs);
    let outcome = await exchange.outcome;
    // The receiver closed the kept connection while this request was on its way. It may have read the request
    // all the same; deliveries are made at least once.
    if (!closed && !exchange.isFresh() && !exchange.answerBegan() && isConnectionLost(outcome)) {
      void dropClient();
      exchange = send(call);
      outcome = await exchange.outcome;
    }
    clearTimeout(deadline);
    running = null;
    const times = { ...exchange.phases(), totalMs: now() - began };
    if ("answer" in outcome) {
      if (!outcome.whole) void dropClient();
      return { times, answer: outcome.answer };
    }
    void dropClient();
    return { times, failure: outcome.failure };
  };

  return {
    call(call) {
      if (running) throw new Error("A line carries one call at a time.");
      const result = perform(call);
      ended = result;
      return result;
    },
    async close() {
      closed = true;
      await ended;
      await dropClient();
    },
    async destroy() {
      closed = true;
      running?.exchange.fail(lineClosed);
      await ended;
      await dropClient();
    },
  };
}

const clientOptions = {
  pipelining: 1,
  maxHeaderSize: 16 * 1024,
  // The call's own deadline covers both.
  headersTimeout: 0,
  bodyTimeout: 0,
  // Until the receiver's own hint (`Keep-Alive: timeout=5`) less two seconds, at most ten.
  keepAliveTimeout: 10_000,
  keepAliveMaxTimeout: 10_000,
  keepAliveTimeoutThreshold: 2000,
} as const;

const lineClosed: Failure = { code: "line_closed", sentence: "Sending was stopped before the answer came." };

function isConnectionLost(outcome: Outcome): boolean {
  return "failure" in outcome && outcome.failure.code === "connection_lost";
}

function refuseTarget(url: URL, { nets, proxy }: Way): Failure | undefined {
  const refusal = checkTarget(url, nets);
  if (refusal) return refusal;
  // Where a name leads only the proxy would know.
  const literal = isIP(hostOf(url)) !== 0 || isLocalhost(url.hostname);
  return proxy && url.protocol === "http:" && !literal ? httpsRequired : undefined;
}

/** What cannot be sent: an impossible name or value, or a header that is decided here. */
export function headerFault(headers: Readonly<Record<string, string>>): Failure | undefined {
  for (const name in headers) {
    if (!token.test(name) || ours.test(name)) {
      const shown = token.test(name) ? `"${name.slice(0, 40)}"` : "with an impossible name";
      return { code: "header_invalid", sentence: `A header ${shown} cannot be sent.` };
    }
    if (unsendable.test(headers[name] ?? "")) {
      const sentence = `The header "${name.slice(0, 40)}" has characters in its value that cannot be sent.`;
      return { code: "header_invalid", sentence };
    }
  }
  return undefined;
}

// RFC 9110, sections 5.1 and 5.5
const token = /^[!#$%&'*+.^_`|~\w-]+$/;
const unsendable = /[^\t\u{20}-\u{7e}\u{80}-\u{ff}]/u;
// Who is called, where a message ends and what becomes of the connection is decided here.
const ours = /^(host|content-length|transfer-encoding|connection|keep-alive|upgrade|expect|te|trailer|proxy-.*)$/i;

function timedOut(phase: Phase, deadlineMs: number): Failure {
  return { code: "timed_out", sentence: `${notInTime[phase]} within ${deadlineMs / 1000} seconds.` };
}

const notInTime: Readonly<Record<Phase, string>> = {
  start: "No answer came",
  dns: "The host name could not be resolved",
  connect: "No connection to the server could be opened",
  tls: "No encrypted connection to the server could be opened",
  answer: "No answer came",
  body: "The answer was not complete",
};

function proxyUrl(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // A lone % in user or password would throw at the first call.
  const readable = /^(?:[^%]|%[0-9a-f]{2})*$/i.test(`${url?.username}${url?.password}`);
  if (url?.protocol === "http:" && readable) return url;
  const sentence = "The proxy's address must look like http://proxy.example.com:3128.";
  throw Object.assign(new Error(sentence), { code: "proxy_invalid" });
}
