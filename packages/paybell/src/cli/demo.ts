import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Instant } from "@paybell/protocols/domain/day";
import { createPaybell } from "../paybell.ts";
import { type ApiClient, createApiClient } from "../simulate/api-client.ts";
import { catalogue } from "../simulate/catalogue.ts";
import { latestEvents, latestMails } from "../simulate/outcome.ts";
import { randomFrom } from "../simulate/random.ts";
import { dayIn } from "../simulate/happening.ts";
import { setUp } from "../simulate/set-up.ts";
import { createShop } from "../simulate/shop.ts";
import { bring, type Target } from "../simulate/twin.ts";
import { copecartVoice } from "../simulate/voices/copecart.ts";
import { command } from "./command.ts";
import { wrongUsage } from "./failure.ts";
import type { Output } from "./output.ts";
import { openDoor } from "./serve.ts";
import { listen } from "./server.ts";
import { commandLog, listenFlags, parseSpan, readListenSettings, readNumber } from "./settings.ts";
import { listenForSignals } from "./signals.ts";

export const demo = command({
  name: "demo",
  description: "Serve, with a small shop that sells: months pass in minutes, every buyer is invented",
  flags: {
    ...listenFlags,
    data: {
      type: "string",
      description: "keep what happens in this folder; without it, in memory",
      valueHint: "folder",
    },
    speed: { type: "string", description: "days that pass in a minute, 30", valueHint: "number" },
    for: { type: "string", description: "end by itself after so long", valueHint: "30s|10m" },
    seed: { type: "string", description: "the same shop again", valueHint: "number" },
  },
  async run({ flags, output }) {
    const daysPerMinute = readNumber("speed", flags.speed, 30, { least: 1, most: 10_000 });
    const seed = readNumber("seed", flags.seed, randomInt(2 ** 32 - 1), { least: 0, most: 2 ** 32 - 1 });
    const lastsMs = flags.for === undefined ? undefined : parseSpan(flags.for);
    if (flags.for !== undefined && lastsMs === undefined)
      throw wrongUsage("span_invalid", "--for is a span such as 30s or 10m.");
    const key = `pb_live_${randomBytes(32).toString("base64url")}`;
    const clock = fastClock(daysPerMinute * 1440);
    const signals = listenForSignals();
    const door = openDoor();
    const listening = await listen(door, readListenSettings(flags));
    try {
      const { url } = listening;
      const paybell = await createPaybell({
        database: flags.data ?? "memory",
        apiKey: key,
        publicUrl: url,
        clock: clock.now,
        log: commandLog(),
        ...(flags.data !== undefined && { dataFolder: flags.data }),
      });
      try {
        await paybell.start();
        door.open(paybell);
        const api = createApiClient({ url, key, fetch });
        const known = await latestEvents(api);
        const { target } = await setUp(api, { url, key }, catalogue, voice);
        // A folder from an earlier demo: time goes on where it stood, or its future would be our past.
        clock.run(Math.max(0, ...known.map(({ at }) => Date.parse(at))));
        output.say(`A shop sells on ${url}, ${daysPerMinute} days a minute. Ctrl-C ends it.`);
        output.say(`  Data       ${flags.data ?? "in memory, gone at the end"}`);
        output.say(`  Owner key  ${key}`);
        output.say();
        output.data({ type: "listening", url, port: listening.port, api_key: key, seed });
        const end = new AbortController();
        void signals.asked.then(() => end.abort());
        if (lastsMs !== undefined) setTimeout(() => end.abort(), lastsMs).unref();
        await live({ api, target, seed, clock: clock.now, end: end.signal, output, known: known.map(({ id }) => id) });
        paybell.endStreams();
        await listening.close();
      } finally {
        await paybell.stop();
      }
    } finally {
      await listening.close();
      signals.release();
    }
    output.say("The shop is closed.");
    output.data({ type: "stopped" });
    return 0;
  },
});

const voice = copecartVoice();

type Stage = {
  readonly api: ApiClient;
  readonly target: Target;
  readonly seed: number;
  readonly clock: () => Instant;
  readonly end: AbortSignal;
  readonly output: Output;
  /** events told of in an earlier run */
  readonly known: readonly string[];
};

async function live({ api, target, seed, clock, end, output, known }: Stage): Promise<void> {
  const shop = createShop(randomFrom(seed), clock());
  const told = new Set([...known, ...(await latestMails(api, "")).map(({ id }) => id)]);
  const wait = (ms: number) => delay(ms, undefined, { signal: end }).catch(() => undefined);
  const repeats = { afterMs: [200, 200, 200], wait };
  const news = (id: string): boolean => !told.has(id) && told.add(id) !== undefined;

  while (!end.aborted) {
    for (const { at, say, order, happening, copies = 1 } of shop.upTo(clock())) {
      const tellings = voice.tell(order, happening).flatMap((telling) => Array.from({ length: copies }, () => telling));
      const ends = await Promise.all(tellings.map((telling) => bring(voice, telling, target, repeats)));
      const lost = ends.some(({ result }) => result.kind !== "delivered");
      output.say(`${dayIn(at)}  ${say}${lost ? " But the notification did not get through." : ""}`);
      output.data({
        type: "notification",
        at: iso(at),
        event: tellings[0]?.event,
        order_id: voice.orderId(order, happening),
        delivered: !lost,
        sentence: say,
      });
    }
    for (const { id, type, at, data } of await latestEvents(api)) {
      if (!news(id)) continue;
      const until = data.until ? `, until ${data.until.slice(0, 10)}` : "";
      output.say(
        `${dayIn(Date.parse(at))}    ${eventWords[type] ?? type} ${data.feature ?? ""} · ${data.email ?? "somebody"}${until}`,
      );
      output.data({ type: "event", event: type, at, ...data });
    }
    for (const { id, kind, to, subject, state } of await latestMails(api, "")) {
      if (!news(id)) continue;
      output.say(`${dayIn(clock())}    ✉ ${subject ?? kind} · ${to ?? "nobody"}`);
      output.data({ type: "mail", kind, to, subject, state });
    }
    await wait(200);
  }
}

const eventWords: Readonly<Record<string, string>> = {
  "access.granted": "✓ access to",
  "access.changed": "↻ access to",
  "access.revoked": "✗ no more access to",
};

type FastClock = {
  readonly now: () => Instant;
  /** from now on, and not from an earlier instant than this, time is fast */
  run(earliest: Instant): void;
};

/** Time that runs `rate` times as fast as it does, once it is let go. */
function fastClock(rate: number): FastClock {
  let running: { readonly from: Instant; readonly real: number } | undefined;
  return {
    now: () => (running ? running.from + (Date.now() - running.real) * rate : Date.now()),
    run: (earliest) => void (running = { from: Math.max(earliest, Date.now()), real: Date.now() }),
  };
}

function iso(at: Instant): string {
  return new Date(at).toISOString();
}
