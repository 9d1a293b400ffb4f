import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Format } from "@paybell/protocols/format";
import { formats } from "@paybell/protocols/formats";
import { z } from "zod";
import { parseTarget, parseNets } from "../send/nets.ts";
import { type ApiClient, createApiClient } from "../simulate/api-client.ts";
import { command, type Given } from "./command.ts";
import { failure, wrongUsage } from "./failure.ts";
import { signedByServer, signedHere, type Shape } from "./listen-shape.ts";
import { relay } from "./relay.ts";
import { isWebAddress, parseSpan } from "./settings.ts";
import { listenForSignals } from "./signals.ts";
import type { Output } from "./output.ts";

const flags = {
  forward: {
    type: "string",
    description: "where your program listens",
    valueHint: "http://localhost:3000/…",
  },
  url: { type: "string", description: "the running Paybell, http://127.0.0.1:8787", valueHint: "address" },
  key: { type: "string", description: "its API key", valueHint: "pb_live_…", env: "PAYBELL_API_KEY" },
  connection: {
    type: "string",
    description: "what this outgoing connection would be sent, signed with its secret",
    valueHint: "name|id",
  },
  type: { type: "string", description: "of these events only", valueHint: "payment.*,access.granted" },
  since: { type: "string", description: "what happened since then, too", valueHint: "10m|3d|2026-02-01" },
  format: { type: "string", description: "standard-webhooks", valueHint: [...formats.keys()].join("|") },
  secret: { type: "string", description: "to sign with; made if missing", valueHint: "text" },
  test: { type: "boolean", description: "events of the test space" },
} as const;

type Flagged = Given<typeof flags>["flags"];

export const listen = command({
  name: "listen",
  description: "Bring events to a program on this machine as they happen, signed, without a tunnel",
  flags,
  async run({ flags, output }) {
    const forward = readForward(flags.forward);
    const url = (flags.url ?? "http://127.0.0.1:8787").replace(/\/+$/, "");
    if (!isWebAddress(url))
      throw wrongUsage("address_invalid", `"${url}" is no address such as http://127.0.0.1:8787.`);
    const { key } = flags;
    if (key === undefined)
      throw wrongUsage("key_missing", "Reading events needs an API key: --key pb_live_… or PAYBELL_API_KEY.");
    const local = readLocal(flags);
    const query = readQuery(flags);
    const signals = listenForSignals();
    try {
      const stopping = new AbortController();
      void signals.asked.then(() => stopping.abort());
      const wait = (ms: number) => delay(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
      let shape: Shape;
      if (flags.connection === undefined) shape = signedHere(local.format, local.secret);
      else {
        const found = await findConnection(createApiClient({ url, key, fetch }), flags.connection, flags.test);
        query.set("connection", found.id);
        shape = signedByServer(found.protocol);
      }
      const told = await relay({ url, key, query }, { forward, shape, output, signal: stopping.signal, wait }, () =>
        announce(output, { url, forward, connection: flags.connection, ...local }),
      );
      output.say(`Stopped. Accepted: ${told.accepted} of ${told.all}.`);
      output.data({ type: "stopped", events: told.all, accepted: told.accepted });
      return 0;
    } finally {
      signals.release();
    }
  },
});

function readForward(text: string | undefined): URL {
  if (text === undefined)
    throw wrongUsage("forward_missing", "Where is your program? Name it as --forward http://localhost:3000/payments.");
  if (!isWebAddress(text))
    throw wrongUsage("forward_invalid", `"${text}" is no address such as http://localhost:3000/payments.`);
  const target = parseTarget(text, parseNets("0.0.0.0/0, ::/0"));
  if (!target.ok) throw wrongUsage("forward_invalid", `--forward: ${target.sentence}`);
  return target.url;
}

/** What signs where no connection does. */
function readLocal({ format: name, secret: given, connection }: Flagged): { format: Format; secret: string } {
  if (connection !== undefined && (name !== undefined || given !== undefined))
    throw wrongUsage(
      "choice_unclear",
      "A connection has a format and secrets of its own: leave out --format and --secret, or --connection.",
    );
  const format = formats.get(name ?? "standard-webhooks");
  if (!format)
    throw wrongUsage(
      "format_unknown",
      `There is no format "${name}": choose one of ${[...formats.keys()].join(", ")}.`,
    );
  const fault = given === undefined ? undefined : format.secretFault(given);
  if (fault !== undefined) throw wrongUsage("secret_invalid", fault);
  return { format, secret: given ?? format.newSecret(randomBytes(32)) };
}

function readQuery({ type, since, test }: Flagged): URLSearchParams {
  const query = new URLSearchParams();
  if (test) query.set("mode", "test");
  if (type !== undefined) query.set("type", type);
  if (since !== undefined) {
    const span = parseSpan(since);
    if (span === undefined && !/^\d{4}-\d\d-\d\d/.test(since))
      throw wrongUsage("since_invalid", "--since is a span such as 10m or 3d, or a date such as 2026-02-01.");
    // A date is one of the shop's zone, which the server knows.
    query.set("since", span === undefined ? since : new Date(Date.now() - span).toISOString());
  }
  return query;
}

const connectionsPage = z.object({
  data: z.array(z.object({ id: z.string(), name: z.string(), direction: z.string(), protocol: z.string() })),
  next_cursor: z.string().nullable(),
});

/** @throws Failure: connection_unknown, connection_ambiguous */
async function findConnection(
  api: ApiClient,
  wanted: string,
  test: boolean,
): Promise<{ id: string; protocol: string }> {
  const all: z.output<typeof connectionsPage>["data"] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query = new URLSearchParams({ limit: "200", ...(cursor && { cursor }), ...(test && { mode: "test" }) });
    const page: z.output<typeof connectionsPage> = await api.get(`/v1/connections?${query}`, connectionsPage);
    all.push(...page.data.filter(({ direction }) => direction === "out"));
    cursor = page.next_cursor;
  }
  const space = test ? "test" : "live";
  const found = all.filter(({ id, name }) => id === wanted.toLowerCase() || name === wanted);
  if (found.length > 1)
    throw failure(
      "connection_ambiguous",
      `${found.length} connections are called "${wanted}": name one by its id: ${found.map(({ id }) => id).join(", ")}.`,
    );
  if (found[0]) return found[0];
  const names = all.map(({ name }) => `"${name}"`).join(", ");
  throw failure(
    "connection_unknown",
    `There is no outgoing connection "${wanted}" for ${space} events: ${names === "" ? "there is none at all" : `there are ${names}`}.`,
  );
}

type Begun = {
  readonly url: string;
  readonly forward: URL;
  readonly connection: string | undefined;
  readonly format: Format;
  readonly secret: string;
};

function announce(output: Output, { url, forward, connection, format, secret }: Begun): void {
  output.say(`Events of ${url} go to ${forward.href}`);
  if (connection === undefined) {
    output.say(`  Format     ${format.name}`);
    output.say(`  Secret     ${secret}`);
    output.say("             Use this secret in your program. --secret takes it again next time.");
  } else output.say(`  Signed as  the connection "${connection}"`);
  output.say();
  output.data({
    type: "listening",
    url,
    forward: forward.href,
    ...(connection === undefined ? { format: format.name, secret } : { connection }),
  });
}
