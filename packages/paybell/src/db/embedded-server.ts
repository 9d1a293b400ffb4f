import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import type { Place } from "./embedded-place.ts";
import { isServerOf, readPostmaster, waitFor } from "./embedded-process.ts";
import { type Attached, attach, presenceName } from "./embedded-start.ts";

/** A running server that is started again whenever it ends without being told to. */
export type Server = {
  readonly pid: number;
  /** superuser's connection; changes with every restart */
  readonly admin: Client;
  /** leaves the server; the last process to leave stops it and waits for its end */
  stop(): Promise<void>;
};

export async function keepServer(place: Place, log: (line: string) => void): Promise<Server> {
  let attached = await attach(place);
  const leaving = new AbortController();
  let recovery = Promise.resolve();
  watch();

  function watch() {
    attached.presence.once("end", () => {
      if (!leaving.signal.aborted) recovery = recover();
    });
  }

  async function recover() {
    log("The store ended unexpectedly and is being started again.");
    let said = "";
    while (!leaving.signal.aborted) {
      try {
        attached = await attach(place);
        watch();
        log("The store runs again.");
        return;
      } catch (error) {
        const sentence = error instanceof Error ? error.message : String(error);
        if (sentence !== said) log(sentence);
        said = sentence;
      }
      // A full disk may stay full for long: try on, but not in a tight circle.
      await delay(1_000, undefined, { signal: leaving.signal }).catch(() => undefined);
    }
  }

  return {
    get pid() {
      return attached.pid;
    },
    get admin() {
      return attached.presence;
    },
    async stop() {
      leaving.abort();
      await recovery;
      if (await isLastToLeave(attached)) await shutDown(place, log);
      await attached.presence.end();
    },
  };
}

/**
 * Leaving is done one at a time, and under another name before the connection ends: so of two processes that
 * leave together exactly one finds itself the last.
 */
async function isLastToLeave({ presence }: Attached): Promise<boolean> {
  try {
    await presence.query("select pg_advisory_lock($1)", [leavingLock]);
    await presence.query("set application_name = 'paybell leaving'");
    const { rows } = await presence.query("select from pg_stat_activity where application_name = $1", [presenceName]);
    return rows.length === 0;
  } catch {
    return true; // the server is down already, and there is nobody to leave behind
  }
}

const leavingLock = 7_290_102;

/** Fast shutdown: open transactions are rolled back, everything committed is written. */
async function shutDown(place: Place, log: (line: string) => void): Promise<void> {
  const found = await readPostmaster(place.dataFolder);
  if (found && (await isServerOf(place.dataFolder, found.pid))) {
    signal(found.pid, "SIGINT");
    const isGone = async () => !(await isServerOf(place.dataFolder, found.pid));
    if (!(await waitFor(isGone, 60_000))) {
      log("The store did not stop within a minute and is stopped the hard way; it repairs itself at the next start.");
      signal(found.pid, "SIGQUIT");
      await waitFor(isGone, 10_000);
    }
  }
  if (!place.socketFolder.startsWith(place.home)) await rm(place.socketFolder, { recursive: true, force: true });
}

function signal(pid: number, name: "SIGINT" | "SIGQUIT") {
  try {
    process.kill(pid, name);
  } catch {
    // gone meanwhile, which is what we want
  }
}
