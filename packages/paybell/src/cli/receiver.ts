import { createLine, type CallResult } from "../send/line.ts";
import { parseNets } from "../send/nets.ts";

/** A notification ready to be sent. */
export type Ready = { readonly headers: Readonly<Record<string, string>>; readonly body: string | Uint8Array };

export type Brought = { readonly tries: number; readonly result: CallResult };

/** The developer's own program. */
export type Receiver = {
  /**
   * POSTs it. Where nobody listens it is tried again, a few times.
   * @param failed told after each try but the last
   */
  bring(ready: Ready, failed: (sentence: string, nextMs: number) => void): Promise<Brought>;
  /** ends what is under way, which then fails with `line_closed` */
  close(): Promise<void>;
};

export function createReceiver(url: URL, wait: (ms: number) => Promise<unknown>): Receiver {
  const line = createLine({ nets: everywhere });
  return {
    async bring({ headers, body }, failed) {
      for (let tries = 1; ; tries++) {
        const result = await line.call({ url, headers, body, deadlineMs });
        const nextMs = waitsMs[tries - 1];
        if (!("failure" in result) || !down.has(result.failure.code) || nextMs === undefined) return { tries, result };
        failed(result.failure.sentence, nextMs);
        await wait(nextMs);
      }
    },
    close: () => line.destroy(),
  };
}

/** It runs on a developer's machine, who names the address: nothing is forbidden. */
const everywhere = parseNets("0.0.0.0/0, ::/0");

/** A program halted by a debugger answers late. */
const deadlineMs = 60_000;

/** Perhaps nobody was there to act on it. */
const down: ReadonlySet<string> = new Set(["connect_failed", "dns_failed", "connection_lost"]);
const waitsMs = [1000, 2000, 4000, 8000];
