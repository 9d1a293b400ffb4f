import { styleText } from "node:util";
import { oneLine } from "../fulfil/mails/clean.ts";
import { type FeedAddress, follow } from "./follow.ts";
import type { Shape } from "./listen-shape.ts";
import type { Output } from "./output.ts";
import { type Brought, createReceiver } from "./receiver.ts";

export type Relay = {
  readonly forward: URL;
  readonly shape: Shape;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** resolves early at the signal */
  readonly wait: (ms: number) => Promise<unknown>;
};

/**
 * Brings what the feed says to a program, one after the other, each with its line, until the signal.
 * @param begun told when the server listens for the first time
 * @returns how many there were
 */
export async function relay(
  feed: FeedAddress,
  { forward, shape, output, signal, wait }: Relay,
  begun: () => void,
): Promise<{ all: number; accepted: number }> {
  const receiver = createReceiver(forward, wait);
  const close = () => void receiver.close();
  signal.addEventListener("abort", close);
  const count = { all: 0, accepted: 0 };

  const messages = follow(feed, {
    signal,
    wait,
    connected(isAgain) {
      if (!isAgain) return begun();
      output.say(`${time()}  The server is back.`);
      output.data({ type: "connected" });
    },
    lost() {
      output.say(`${time()}  ${paint("yellow", `The connection to ${feed.url} was lost; it is tried again.`)}`);
      output.data({ type: "lost" });
    },
  });
  try {
    for await (const message of messages) {
      const { subject, ready } = await shape.shape(message, Date.now());
      const event = { id: message.id, event: message.event, subject };
      const head = (mark: string) =>
        `${paint("dim", time())}  ${mark} ${message.event.padEnd(24)} ${subject.padEnd(20)}`;
      count.all++;
      if ("fault" in ready) {
        output.say(`${head(paint("yellow", "–"))}  ${ready.fault.sentence}`);
        output.data({ type: "skipped", ...event, ...ready.fault });
        continue;
      }
      const brought = await receiver.bring(ready, (sentence, nextMs) => {
        output.say(`${head(paint("red", "✗"))}  ${sentence} Next try in ${nextMs / 1000} s.`);
        output.data({ type: "waiting", ...event, sentence, next_ms: nextMs });
      });
      // What was cut off by the signal is neither.
      if (signal.aborted && "failure" in brought.result) {
        count.all--;
        break;
      }
      const accepted = "answer" in brought.result && shape.accepts(brought.result.answer);
      if (accepted) count.accepted++;
      output.say(`${head(accepted ? paint("green", "✓") : paint("red", "✗"))}  ${words(brought, accepted)}`);
      output.data({ type: "forwarded", ...event, accepted, ...shown(brought) });
    }
  } finally {
    signal.removeEventListener("abort", close);
    await receiver.close();
  }
  return count;
}

/** Terminals get colours, files and pipes get text. */
function paint(colour: "red" | "green" | "yellow" | "dim", text: string): string {
  return process.stdout.isTTY && !process.env["NO_COLOR"] ? styleText(colour, text) : text;
}

function time(): string {
  return new Date().toTimeString().slice(0, 8);
}

function words({ tries, result }: Brought, accepted: boolean): string {
  if ("failure" in result) return `${result.failure.sentence}${tries > 1 ? ` Given up after ${tries} tries.` : ""}`;
  const { status, body } = result.answer;
  const took = `${status} in ${Math.round(result.times.totalMs)} ms`;
  if (accepted || status < 200 || status > 299) return took;
  return `${took}, but the body "${oneLine(body, 40)}" is not what the format asks for`;
}

function shown({ tries, result }: Brought): object {
  if ("failure" in result) return { tries, status: null, ...result.failure };
  return { tries, status: result.answer.status, took_ms: Math.round(result.times.totalMs) };
}
