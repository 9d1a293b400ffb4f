import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, type SecureContext } from "node:tls";
import { explainConnect, explainDns, explainTls, type Failure, failureError } from "./failure.ts";
import { checkAddress, hostOf, httpsRequired, isLocalhost, loopback, type Nets } from "./nets.ts";
import { beforeAbort, type Resolve } from "./resolve.ts";

/** PEM: the client's certificate and its key, or neither; `ca` takes the place of the public authorities. */
export type OwnTls = {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
};

export type Way = {
  readonly nets: Nets;
  readonly resolve: Resolve;
  /** every connection goes through this proxy, by CONNECT; it resolves the names */
  readonly proxy: URL | undefined;
  readonly secureContext: () => SecureContext;
};

type OpeningPhase = "dns" | "connect" | "tls";

/**
 * Opens one connection to the target's origin. Its name is resolved once, all answers are checked, and one of the
 * checked addresses is connected to: a name server that answers differently next time changes nothing here.
 * @param signal must be aborted in the end, which closes whatever is half open
 * @param enter told when a phase begins
 * @throws an error that carries its failure, or the signal's reason
 */
export async function openConnection(
  url: URL,
  way: Way,
  signal: AbortSignal,
  enter: (phase: OpeningPhase) => void,
): Promise<Socket> {
  const host = hostOf(url);
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  let socket: Socket;
  if (way.proxy) {
    socket = await openTunnel(way.proxy, `${url.hostname}:${port}`, way.resolve, signal, enter);
  } else {
    const addresses = await checkedAddresses(url, way, signal, enter);
    enter("connect");
    socket = await openSocket(addresses, port, signal, explainConnect);
  }
  if (url.protocol === "http:") return socket;
  enter("tls");
  return secure(socket, host.replace(/\.$/, ""), way.secureContext, signal);
}

/** The context of a connection's own certificates, made once; without any all share that of the public authorities. */
export function secureContextOf(tls: OwnTls | undefined): () => SecureContext {
  if (!tls) return () => (publicContext ??= createSecureContext());
  let made: SecureContext | undefined;
  return () => (made ??= createSecureContext(tls));
}

let publicContext: SecureContext | undefined;

async function checkedAddresses(
  url: URL,
  { nets, resolve }: Way,
  signal: AbortSignal,
  enter: (phase: OpeningPhase) => void,
): Promise<readonly string[]> {
  const host = hostOf(url);
  // Both are known beforehand, so it is no answer that could mix: the open one of them is taken.
  if (isLocalhost(host)) return loopback.filter((ip) => checkAddress(ip, nets).ok);
  if (isIP(host) === 0) enter("dns");
  const addresses = isIP(host) === 0 ? await addressesOf(host, resolve, signal) : [host];
  const checks = addresses.map((ip) => checkAddress(ip, nets));
  const refused = checks.find((check) => !check.ok);
  if (refused) throw failureError({ code: refused.code, sentence: refused.sentence });
  if (url.protocol === "http:" && checks.some((check) => check.ok && !check.opened)) throw failureError(httpsRequired);
  return addresses;
}

async function addressesOf(host: string, resolve: Resolve, signal: AbortSignal): Promise<readonly string[]> {
  let addresses: readonly string[];
  try {
    addresses = await beforeAbort(resolve(host, signal), signal);
  } catch (error) {
    throw signal.aborted ? error : failureError(explainDns(error));
  }
  if (addresses.length > 0) return addresses;
  throw failureError({ code: "dns_failed", sentence: "The host name has no address." });
}

/**
 * RFC 8305, section 5: the next address is tried while the one before is still silent, and the first to answer wins.
 * Node's own `autoSelectFamily` gives an attempt up instead, so that no server farther away than its pause is reached.
 */
function openSocket(
  addresses: readonly string[],
  port: string,
  signal: AbortSignal,
  explain: (error: unknown) => Failure,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const queue = bothFamilies(addresses).values();
    const opening = new Set<Socket>();
    let pause: NodeJS.Timeout | undefined;
    let firstError: unknown;

    const end = () => {
      clearTimeout(pause);
      signal.removeEventListener("abort", abort);
      for (const socket of opening) socket.destroy();
    };
    const abort = () => {
      end();
      reject(signal.reason as Error);
    };
    const tryNext = () => {
      clearTimeout(pause);
      const next = queue.next();
      if (next.done) {
        if (opening.size > 0) return;
        end();
        reject(failureError(explain(firstError)));
        return;
      }
      const socket = connectTcp({ host: next.value, port: Number(port), noDelay: true });
      opening.add(socket);
      // Stays: between here and whoever uses the socket, an error without a listener would end the process.
      socket.on("error", (error) => {
        firstError ??= error;
        if (opening.delete(socket)) tryNext();
      });
      socket.once("connect", () => {
        opening.delete(socket);
        end();
        resolve(socket);
      });
      pause = setTimeout(tryNext, pauseMs);
    };

    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    tryNext();
  });
}

const pauseMs = 250;
const mostAddresses = 8;

function bothFamilies(addresses: readonly string[]): string[] {
  const four = addresses.filter((ip) => isIP(ip) === 4);
  const six = addresses.filter((ip) => isIP(ip) === 6);
  const pairs = addresses.flatMap((_, index) => [...four.slice(index, index + 1), ...six.slice(index, index + 1)]);
  return pairs.slice(0, mostAddresses);
}

async function secure(
  socket: Socket,
  host: string,
  secureContext: () => SecureContext,
  signal: AbortSignal,
): Promise<Socket> {
  try {
    const secured = connectTls({
      socket,
      // What the certificate must name, also when it is an IP address, which must not be sent as a server name.
      host,
      ...(isIP(host) === 0 && { servername: host }),
      secureContext: contextOrFailure(secureContext),
      ALPNProtocols: ["http/1.1"],
      // Said here, NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off.
      rejectUnauthorized: true,
    });
    secured.on("error", ignore);
    await once(secured, "secureConnect", { signal });
    return secured;
  } catch (error) {
    socket.destroy();
    if (signal.aborted || (error instanceof Error && "failure" in error)) throw error;
    throw failureError(explainTls(error));
  }
}

function contextOrFailure(secureContext: () => SecureContext): SecureContext {
  try {
    return secureContext();
  } catch {
    const sentence = "Our client certificate, its key or the receiver's authority cannot be read.";
    throw failureError({ code: "tls_failed", sentence });
  }
}

/** RFC 9110, section 9.3.6: a proxy that says 2xx passes bytes on from there. */
async function openTunnel(
  proxy: URL,
  target: string,
  resolve: Resolve,
  signal: AbortSignal,
  enter: (phase: OpeningPhase) => void,
): Promise<Socket> {
  // The operator chose the proxy: it may stand anywhere.
  const host = hostOf(proxy);
  const unreachable = () => proxyFailed("The proxy that calls go through cannot be reached.");
  let addresses: readonly string[] = isLocalhost(host) ? loopback : [host];
  if (!isLocalhost(host) && isIP(host) === 0) {
    enter("dns");
    try {
      addresses = await beforeAbort(resolve(host, signal), signal);
    } catch (error) {
      throw signal.aborted ? error : failureError(unreachable());
    }
  }
  enter("connect");
  const socket = await openSocket(addresses, proxy.port || "80", signal, unreachable);
  const { status, head } = await askProxy(socket, proxy, target, signal);
  if (status >= 200 && status < 300) {
    if (head.length > 0) socket.unshift(head);
    return socket;
  }
  socket.destroy();
  throw failureError(
    proxyFailed(
      status === 407
        ? "The proxy that calls go through asks for a login it was not given (407)."
        : `The proxy that calls go through would not connect to the server (${status}).`,
    ),
  );
}

async function askProxy(
  socket: Socket,
  proxy: URL,
  target: string,
  signal: AbortSignal,
): Promise<{ status: number; head: Buffer }> {
  const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const request = httpRequest({
    createConnection: () => socket,
    method: "CONNECT",
    path: target,
    setHost: false,
    headers: {
      host: target,
      ...(login !== ":" && { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` }),
    },
    maxHeaderSize: 16 * 1024,
  });
  request.on("error", ignore);
  request.end();
  try {
    const answered = (await once(request, "connect", { signal })) as [IncomingMessage, Socket, Buffer];
    return { status: answered[0].statusCode ?? 0, head: answered[2] };
  } catch (error) {
    socket.destroy();
    if (signal.aborted) throw error;
    throw failureError(proxyFailed("The proxy that calls go through gave no answer that could be understood."));
  }
}

function proxyFailed(sentence: string): Failure {
  return { code: "proxy_failed", sentence };
}

function ignore(): void {}
