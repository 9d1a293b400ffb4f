import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { RenderOptions } from "@paybell/protocols/copecart/render";
import { type ApiClient, createApiClient } from "../simulate/api-client.ts";
import { accessOf, mailsOf, type Mode } from "../simulate/outcome.ts";
import { randomFrom } from "../simulate/random.ts";
import { dayIn, later } from "../simulate/sale.ts";
import { setUp } from "../simulate/set-up.ts";
import { type Step, stories, type Story } from "../simulate/stories.ts";
import { type Attempt, bring, copecartRepeats, type Repeats, type Target } from "../simulate/twin.ts";
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
    description: 'text ("119.0", as captured) or number (119.0, as documented)',
    valueHint: "text|number",
  },
  missing: { type: "string", description: "fields without a value: null, or omit them", valueHint: "null|omit" },
  speed: {
    type: "string",
    description: "how many times faster than CopeCart repeats go, 540: every 2 s",
    valueHint: "number",
  },
  retry: { type: "boolean", description: "repeat what was not accepted", negated: "send once" },
} as const;

export const simulate = command({
  name: "simulate",
  description: "Be the payment provider: send a story of signed notifications and show what comes of it",
  positionals: [
    { name: "protocol", description: "copecart" },
    { name: "story", description: stories.map(({ name }) => name).join(", ") },
  ],
  flags,
  async run({ flags, positionals, output }) {
    const story = chosen(positionals);
    const mode: Mode = flags.test ? "test" : "live";
    const seed = readNumber("seed", flags.seed, randomInt(2 ** 32 - 1), { least: 0, most: 2 ** 32 - 1 });
    const options = readOptions(flags);
    const repeats = readRepeats(flags);
    const { target, api } = await aim(flags, story, output);
    const steps = story.tell(randomFrom(seed), later(Date.now(), earlier(story.ago)), flags.test);

    output.say(`CopeCart tells: ${story.title}.`);
    if (steps[0]) output.say(`The buyer is ${steps[0].message.buyer_email}, order ${steps[0].message.order_id}.`);
    output.data({ type: "story", protocol: "copecart", story: story.name, seed, mode });
    let known = "";
    for (const step of steps) {
      await send(step, { target, options, repeats, output });
      if (api) known = await showAccess(api, step.message.buyer_email, mode, known, output);
    }
    if (api) await showMails(api, steps, mode, output);
    return 0;
  },
});

type Flagged = Given<typeof flags>["flags"];

function chosen([protocol, name]: readonly string[]): Story {
  const known = stories.map((story) => `\n  ${story.name.padEnd(16)}${story.title}`).join("");
  const names = stories.map((story) => story.name).join(", ");
  if (protocol !== "copecart")
    throw wrongUsage(
      "protocol_unknown",
      `${protocol ? `There is no protocol "${protocol}"` : "Which protocol"}: only copecart can be simulated, as in: paybell simulate copecart one-time`,
    );
  const story = stories.find((one) => one.name === name);
  if (story) return story;
  process.stderr.write(`Stories of CopeCart:${known}\n`);
  throw wrongUsage("story_unknown", `${name ? `There is no story "${name}"` : "Which story"}: choose one of ${names}.`);
}

function readOptions({ money = "text", missing = "null" }: Flagged): RenderOptions {
  if (money !== "text" && money !== "number") throw wrongUsage("money_invalid", "--money is text or number.");
  if (missing !== "null" && missing !== "omit") throw wrongUsage("missing_invalid", "--missing is null or omit.");
  return { money, missing };
}

function readRepeats({ speed, retry }: Flagged): Repeats {
  const factor = readNumber("speed", speed, 540, { least: 1, most: 1_000_000 });
  return {
    count: retry ? copecartRepeats.count : 0,
    everyMs: copecartRepeats.everyMs / factor,
    wait: (ms) => delay(ms),
  };
}

/** To the address given, or to a simulated shop in a running Paybell. */
async function aim(
  { to, secret, url: given = "http://127.0.0.1:8787", key }: Flagged,
  { articles }: Story,
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
  const { target, made } = await setUp(api, { url, key }, articles);
  for (const sentence of made) {
    output.say(sentence);
    output.data({ type: "made", sentence });
  }
  return { target, api };
}

type Stage = {
  readonly target: Target;
  readonly options: RenderOptions;
  readonly repeats: Repeats;
  readonly output: Output;
};

async function send({ at, say, message, copies = 1 }: Step, stage: Stage): Promise<void> {
  const { target, options, repeats, output } = stage;
  output.say();
  output.say(`${dayIn(at)}  ${say}${copies > 1 ? ` (The notification is sent ${copies} times at once.)` : ""}`);
  const heard = (attempt: Attempt) => {
    output.say(`  → ${message.event_type}: ${answerOf(attempt)}`);
    output.data({ type: "attempt", event: message.event_type, order_id: message.order_id, ...shown(attempt) });
  };
  const ends = await Promise.all(
    Array.from({ length: copies }, () => bring(message, target, options, { ...repeats, heard })),
  );
  const lost = ends.find(({ result }) => result.kind !== "delivered");
  if (!lost) return;
  const attempts = lost.number === 1 ? "one attempt" : `${lost.number} attempts`;
  throw failure("not_delivered", `CopeCart gives up after ${attempts}: ${answerOf({ ...lost, number: 1 })}.`);
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

async function showMails(api: ApiClient, steps: readonly Step[], mode: Mode, output: Output): Promise<void> {
  const order = steps[0]?.message.order_id;
  if (order === undefined) return;
  const mails = await mailsOf(api, order, mode, 5_000);
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

function answerOf({ result, took, number }: Attempt): string {
  const which = number === 1 ? "" : `attempt ${number}, `;
  if (result.kind === "delivered") return `${which}200 OK in ${took} ms`;
  if (result.kind === "unreachable") return `${which}${result.sentence}`;
  const text = JSON.stringify(result.answer.slice(0, 60));
  return `${which}${result.status} ${text}, where only 200 with the body OK counts`;
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
