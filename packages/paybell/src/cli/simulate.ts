import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type ApiClient, createApiClient } from "../simulate/api-client.ts";
import { accessOf, mailsOf, type Mode, type SentMail } from "../simulate/outcome.ts";
import { randomFrom } from "../simulate/random.ts";
import { dayIn, later } from "../simulate/happening.ts";
import { setUp } from "../simulate/set-up.ts";
import { type Step, stories, type Story } from "../simulate/stories.ts";
import { type Attempt, bring, type Repeats, type Target } from "../simulate/twin.ts";
import { type Voice, voices } from "../simulate/voice.ts";
import { copecartVoice } from "../simulate/voices/copecart.ts";
import { command, type Given } from "./command.ts";
import { failure, wrongUsage } from "./failure.ts";
import type { Output } from "./output.ts";
import { isWebAddress, readNumber } from "./settings.ts";

const flags = {
  url: { type: "string", description: "the running Paybell, http://127.0.0.1:8787", valueHint: "address" },
  key: {
    type: "string",
    description: "its owner key, with which the simulated shop is set up",
    valueHint: "pb_live_…",
    env: "PAYBELL_API_KEY",
  },
  to: { type: "string", description: "send to this address instead, of whatever receiver", valueHint: "address" },
  secret: { type: "string", description: "and sign with this secret", valueHint: "text" },
  seed: { type: "string", description: "the same orders again", valueHint: "number" },
  test: { type: "boolean", description: "as test orders: no money, a space of their own" },
  money: {
    type: "string",
    description: 'CopeCart: text ("119.0", as captured) or number (119.0, as documented)',
    valueHint: "text|number",
  },
  missing: {
    type: "string",
    description: "CopeCart: fields without a value: null, or omit them",
    valueHint: "null|omit",
  },
  speed: {
    type: "string",
    description: "how many times faster than the provider repeats go, 540: CopeCart every 2 s",
    valueHint: "number",
  },
  retry: { type: "boolean", description: "repeat what was not accepted", negated: "send once" },
} as const;

export const simulate = command({
  name: "simulate",
  description: "Be the payment provider: send a story of signed notifications and show what comes of it",
  positionals: [
    { name: "protocol", description: voices.map(({ protocol }) => protocol).join(", ") },
    { name: "story", description: stories.map(({ name }) => name).join(", ") },
  ],
  flags,
  async run({ flags, positionals, output }) {
    const { voice, story } = chosen(positionals, flags);
    const mode: Mode = flags.test ? "test" : "live";
    const seed = readNumber("seed", flags.seed, randomInt(2 ** 32 - 1), { least: 0, most: 2 ** 32 - 1 });
    const repeats = readRepeats(flags, voice);
    const { target, api } = await aim(flags, voice, story, mode, output);
    const steps = story.tell(randomFrom(seed), later(Date.now(), earlier(story.ago)), flags.test);

    output.say(`${voice.title} tells: ${story.title}.`);
    if (steps[0])
      output.say(`The buyer is ${steps[0].order.email}, order ${voice.orderId(steps[0].order, steps[0].happening)}.`);
    output.data({ type: "story", protocol: voice.protocol, story: story.name, seed, mode });
    let known = "";
    for (const step of steps) {
      await send(step, { voice, target, repeats, output });
      if (api) known = await showAccess(api, step.order.email, mode, known, output);
    }
    if (api) await showMails(api, voice, steps, mode, output);
    return 0;
  },
});

type Flagged = Given<typeof flags>["flags"];

function chosen([protocol, name]: readonly string[], flags: Flagged): { voice: Voice; story: Story } {
  const known = stories.map((story) => `\n  ${story.name.padEnd(16)}${story.title}`).join("");
  const names = stories.map((story) => story.name).join(", ");
  const voice = protocol === "copecart" ? copecartVoice(readOptions(flags)) : voiceOf(protocol);
  if (voice.protocol !== "copecart" && (flags.money !== undefined || flags.missing !== undefined))
    throw wrongUsage("flag_unfit", "--money and --missing are CopeCart's alone.");
  const story = stories.find((one) => one.name === name);
  if (story) return { voice, story };
  process.stderr.write(`Stories of ${voice.title}:${known}\n`);
  throw wrongUsage("story_unknown", `${name ? `There is no story "${name}"` : "Which story"}: choose one of ${names}.`);
}

function voiceOf(protocol: string | undefined): Voice {
  const voice = voices.find((one) => one.protocol === protocol);
  if (voice) return voice;
  const names = voices.map((one) => one.protocol).join(", ");
  throw wrongUsage(
    "protocol_unknown",
    `${protocol ? `"${protocol}" cannot be simulated` : "Which protocol"}: choose one of ${names}, as in: paybell simulate copecart one-time`,
  );
}

function readOptions({ money = "text", missing = "null" }: Flagged): Parameters<typeof copecartVoice>[0] {
  if (money !== "text" && money !== "number") throw wrongUsage("money_invalid", "--money is text or number.");
  if (missing !== "null" && missing !== "omit") throw wrongUsage("missing_invalid", "--missing is null or omit.");
  return { money, missing };
}

function readRepeats({ speed, retry }: Flagged, voice: Voice): Repeats {
  const factor = readNumber("speed", speed, 540, { least: 1, most: 1_000_000 });
  return { afterMs: retry ? voice.repeats.map((ms) => ms / factor) : [], wait: (ms) => delay(ms) };
}

/** To the address given, or to a simulated shop in a running Paybell. */
async function aim(
  { to, secret, url: given = "http://127.0.0.1:8787", key }: Flagged,
  voice: Voice,
  { articles }: Story,
  mode: Mode,
  output: Output,
): Promise<{ target: Target; api?: ApiClient }> {
  const url = given.replace(/\/+$/, "");
  for (const address of [url, ...(to === undefined ? [] : [to])])
    if (!isWebAddress(address))
      throw wrongUsage("address_invalid", `"${address}" is no address such as http://127.0.0.1:8787.`);
  if (to !== undefined || secret !== undefined) {
    if (to === undefined || secret === undefined)
      throw wrongUsage(
        "target_incomplete",
        "--to and --secret go together: the receiver's address, and the secret it knows.",
      );
    return { target: { url: to, secret } };
  }
  if (key === undefined)
    throw wrongUsage(
      "key_missing",
      "Setting up a simulated shop needs the owner key: --key pb_live_… (shown when the server started for the first time). Or send to any receiver with --to and --secret.",
    );
  const api = createApiClient({ url, key, fetch });
  const { target, made } = await setUp(api, { url, key }, articles, voice, mode);
  for (const sentence of made) {
    output.say(sentence);
    output.data({ type: "made", sentence });
  }
  return { target, api };
}

type Stage = {
  readonly voice: Voice;
  readonly target: Target;
  readonly repeats: Repeats;
  readonly output: Output;
};

async function send({ at, say, order, happening, copies = 1 }: Step, stage: Stage): Promise<void> {
  const { voice, target, repeats, output } = stage;
  output.say();
  output.say(`${dayIn(at)}  ${say}${copies > 1 ? ` (The notification is sent ${copies} times at once.)` : ""}`);
  const tellings = voice.tell(order, happening);
  if (tellings.length === 0) output.say(`  ${voice.title} has no words for this.`);
  for (const telling of tellings) {
    const heard = (attempt: Attempt) => {
      output.say(`  → ${telling.event}: ${answerOf(attempt, voice)}`);
      output.data({
        type: "attempt",
        event: telling.event,
        order_id: voice.orderId(order, happening),
        ...shown(attempt),
      });
    };
    const ends = await Promise.all(
      Array.from({ length: copies }, () => bring(voice, telling, target, { ...repeats, heard })),
    );
    const lost = ends.find(({ result }) => result.kind !== "delivered");
    if (!lost) continue;
    const attempts = lost.number === 1 ? "one attempt" : `${lost.number} attempts`;
    throw failure(
      "not_delivered",
      `${voice.title} gives up after ${attempts}: ${answerOf({ ...lost, number: 1 }, voice)}.`,
    );
  }
}

/**
 * Past or not, a message acts from now on: what is shown is today's access.
 * @param known what was shown last @returns what is shown now
 */
async function showAccess(api: ApiClient, email: string, mode: Mode, known: string, output: Output): Promise<string> {
  const features = await accessOf(api, email, mode);
  output.data({ type: "access", email, features });
  const lines = features.map(
    ({ feature, allowed, sentence }) => `  ${allowed ? "✓" : "✗"} ${feature}, today: ${sentence}`,
  );
  const text = lines.join("\n");
  output.say(text === known || text === "" ? "  = nothing changes for the buyer" : text);
  return text;
}

async function showMails(
  api: ApiClient,
  voice: Voice,
  steps: readonly Step[],
  mode: Mode,
  output: Output,
): Promise<void> {
  const mails: SentMail[] = [];
  for (const orderId of new Set(steps.map(({ order, happening }) => voice.orderId(order, happening))))
    mails.push(...(await mailsOf(api, orderId, mode, 5_000)));
  output.say();
  output.say(mails.length === 0 ? "No mail was written." : "Mails:");
  for (const { subject, to, state } of mails)
    output.say(`  ✉ ${subject ?? "(sealed)"} · ${to === null ? shownOnly : (stateWords[state] ?? state)}`);
  for (const mail of mails) output.data({ ...mail, type: "mail" });
}

const shownOnly = "shown only: a test order mails nobody";
const stateWords: Readonly<Record<string, string>> = {
  kept: "kept and shown, not sent: SMTP_URL is not set",
  sent: "sent",
  due: "on its way",
  sending: "on its way",
  dropped: "not sent: no longer wanted",
  failed: "could not be sent",
  bounced: "refused by the recipient's server",
};

function answerOf({ result, took, number }: Attempt, voice: Voice): string {
  const which = number === 1 ? "" : `attempt ${number}, `;
  if (result.kind === "delivered") return `${which}${result.status} ${firstLine(result.answer)}in ${took} ms`;
  if (result.kind === "unreachable") return `${which}${result.sentence}`;
  const text = JSON.stringify(result.answer.slice(0, 60));
  return `${which}${result.status} ${text}, where only ${voice.wants} counts`;
}

function firstLine(answer: string): string {
  const [line = "", ...rest] = answer.split("\n");
  const more = rest.length > 0 ? " …" : "";
  return line === "" ? "" : `${line.slice(0, 60)}${more} `;
}

function shown({ number, took, result }: Attempt): object {
  return {
    attempt: number,
    took_ms: took,
    result: result.kind,
    ...("status" in result && { status: result.status, answer: result.answer }),
  };
}

function earlier({ months = 0, days = 0 }: Story["ago"]): { months: number; days: number } {
  return { months: -months, days: -days };
}
