import dns from "node:dns";
import { isLocalhost, loopback } from "./nets.ts";

/**
 * The IP addresses of a host name, both families.
 * @throws whatever stands in the way; an Error's `code` is read (`ENOTFOUND`, `ETIMEOUT` …)
 */
export type Resolve = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>;

type Lookup = (hostname: string) => Promise<readonly { readonly address: string }[]>;

/**
 * Asks name servers through c-ares, whose queries wait in no thread. `dns.lookup` would: every name shares libuv's
 * four threads with all file access, so that four names whose servers are silent would halt everybody.
 * @param servers as `127.0.0.1:53`; default: those of the system
 * @param lookup the system's own way (hosts file, search domains, mDNS), asked only for what name servers do not know
 */
export function createResolve({
  servers,
  lookup = (hostname) => dns.promises.lookup(hostname, { all: true }),
}: {
  readonly servers?: readonly string[];
  readonly lookup?: Lookup;
} = {}): Resolve {
  let resolver: dns.promises.Resolver | undefined;
  const takeTurn = turns(lookupsAtOnce);

  const fromServers = async (hostname: string): Promise<string[]> => {
    resolver ??= newResolver(servers);
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (addresses.length > 0) return addresses;
    const failures = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as unknown] : []));
    const [failure = new Error("No address was answered.")] = failures.filter((reason) => !isUnknown(reason));
    if (failures.every(isUnknown)) return [];
    // The servers may have changed since (another network): the next name starts with the system's present ones.
    resolver = undefined;
    throw failure;
  };

  const fromSystem = async (hostname: string, signal: AbortSignal): Promise<string[]> => {
    const endTurn = await takeTurn(signal);
    // The turn ends with the lookup and not with the patience of who asked: until then the thread is taken.
    const answer = lookup(hostname).finally(endTurn);
    return (await beforeAbort(answer, signal)).map(({ address }) => address);
  };

  return async (hostname, signal) => {
    if (isLocalhost(hostname)) return loopback;
    const addresses = await beforeAbort(fromServers(hostname), signal);
    return addresses.length > 0 ? addresses : fromSystem(hostname, signal);
  };
}

const lookupsAtOnce = 2;

/** One for the whole process, so that its limits hold for the whole process. */
export const systemResolve: Resolve = createResolve();

/**
 * Waits no longer than the signal allows, and leaves no listener behind.
 * @throws the signal's reason
 */
export function beforeAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    const end = () => signal.removeEventListener("abort", abort);
    promise.then(
      (value) => (end(), resolve(value)),
      (error: unknown) => (end(), reject(error as Error)),
    );
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}

function newResolver(servers: readonly string[] | undefined): dns.promises.Resolver {
  const resolver = new dns.promises.Resolver({ timeout: 2000, tries: 2 });
  if (servers) resolver.setServers(servers);
  return resolver;
}

/** Answers that leave room for the hosts file: there is no such name here, or there are no name servers at all. */
function isUnknown(reason: unknown): boolean {
  return reason instanceof Error && "code" in reason && unknownCodes.has(String(reason.code));
}

const unknownCodes = new Set(["ENOTFOUND", "ENODATA", "ECONNREFUSED", "EREFUSED", "ENOTIMP", "EBADNAME", "EBADQUERY"]);

/** Lets `atOnce` work at a time, the others in order; who is aborted while waiting leaves the queue. */
function turns(atOnce: number): (signal: AbortSignal) => Promise<() => void> {
  const waiting = new Set<() => void>();
  let free = atOnce;
  const endTurn = () => {
    const [next] = waiting;
    if (!next) free += 1;
    else {
      waiting.delete(next);
      next();
    }
  };
  return async (signal) => {
    if (free > 0) {
      free -= 1;
      return endTurn;
    }
    let start = () => {};
    const turn = new Promise<void>((resolve) => {
      start = resolve;
    });
    waiting.add(start);
    try {
      await beforeAbort(turn, signal);
    } catch (error) {
      // Called already in the same moment: the turn goes on to the next.
      if (!waiting.delete(start)) endTurn();
      throw error;
    }
    return endTurn;
  };
}
