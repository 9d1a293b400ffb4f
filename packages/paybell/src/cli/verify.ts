import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { sign } from "@paybell/protocols/copecart/sign";
import type { Known, Protocol } from "@paybell/protocols/protocol";
import { protocols } from "../domain/protocols.ts";
import { command, type Given } from "./command.ts";
import { describeReading } from "./describe-reading.ts";
import { type Explanation, explainSignature } from "./explain-signature.ts";
import { wrongUsage } from "./failure.ts";
import type { Output } from "./output.ts";

const names = protocols.map(({ name }) => name).join(", ");

const flags = {
  secret: { type: "string", description: "the secret of the connection", valueHint: "text" },
  signature: {
    type: "string",
    description: "CopeCart: the header X-Copecart-Signature; without it, what it should be is shown",
    valueHint: "Base64",
  },
  headers: {
    type: "string",
    description: "file with the headers, a line `Name: value` for each",
    valueHint: "file",
  },
  options: {
    type: "string",
    description: "what the connection is set up with beside its secret, as JSON",
    valueHint: '{"name":"value"}',
  },
  at: {
    type: "string",
    description: "when it came, where signatures grow old; now",
    valueHint: "2026-11-22T12:00:00Z",
  },
  test: { type: "boolean", description: "as of a test connection" },
  body: {
    type: "string",
    description: "file with the exact bytes of the body; - or nothing is the standard input",
    valueHint: "file",
  },
} as const;

type Flagged = Given<typeof flags>["flags"];

export const verify = command({
  name: "verify",
  description: "Check a notification's signature, say what is wrong with it, and read what it says",
  positionals: [{ name: "protocol", description: names }],
  flags,
  async run({ flags, positionals: [name], output }) {
    const protocol = protocols.find((one) => one.name === name);
    if (!protocol)
      throw wrongUsage(
        "protocol_unknown",
        `${name ? `There is no protocol "${name}"` : "Which protocol"}: choose one of ${names}, as in: paybell verify copecart --secret … --signature … --body notification.json`,
      );
    if (flags.secret === undefined && protocol.secretBy !== "nobody")
      throw wrongUsage("secret_missing", "--secret is needed: the one the connection and the provider share.");
    const body = await readBytes(flags.body ?? "-");
    const known: Known = { mode: flags.test ? "test" : "live", options: readOptions(flags.options) };
    const fits =
      protocol.name === "copecart" && flags.headers === undefined
        ? await checkCopecart(flags, body, output)
        : await check(protocol, flags, body, known, output);
    const read = protocol.parse(body, known);
    output.say();
    if (!read.ok) {
      output.say(`✗ It cannot be read: ${read.sentence} (${read.code})`);
      output.data({ type: "unreadable", code: read.code, sentence: read.sentence });
      return 1;
    }
    for (const line of describeReading(read.reading)) output.say(line);
    output.data({ type: "reading", reading: JSON.parse(JSON.stringify(read.reading, bigintAsText)) });
    return fits ? 0 : 1;
  },
});

/** With CopeCart's single header, the usual mistakes are told apart. */
async function checkCopecart(
  { secret = "", signature }: Flagged,
  body: Uint8Array<ArrayBuffer>,
  output: Output,
): Promise<boolean> {
  if (signature === undefined) {
    const expected = await sign(body, secret);
    output.say(`? No --signature was given. For these ${body.length} bytes and this secret it is ${expected}`);
    output.data({ type: "signature", fits: null, code: "signature_missing", expected });
    return true;
  }
  return say(await explainSignature(signature, secret, body), output);
}

async function check(
  protocol: Protocol,
  { secret, headers, at }: Flagged,
  body: Uint8Array<ArrayBuffer>,
  known: Known,
  output: Output,
): Promise<boolean> {
  const incoming = { method: "POST", url: "http://127.0.0.1/in/", headers: await readHeaders(headers), body };
  const verdict = await protocol.verify(incoming, secret === undefined ? [] : [secret], readAt(at), known);
  if (verdict.ok)
    return say(
      { fits: true, code: "verified", sentence: "It is genuine: these bytes were signed with this secret." },
      output,
    );
  const asked =
    verdict.code === "undecided" ? ` To know, ${verdict.ask.method} ${verdict.ask.url} would be asked.` : "";
  return say({ fits: false, code: verdict.code, sentence: `${verdict.sentence}${asked}` }, output);
}

function say(explained: Explanation, output: Output): boolean {
  output.say(`${explained.fits ? "✓" : "✗"} ${explained.sentence}`);
  output.data({ type: "signature", ...explained });
  return explained.fits;
}

async function readHeaders(file: string | undefined): Promise<Headers> {
  const headers = new Headers();
  if (file === undefined) return headers;
  const lines = new TextDecoder().decode(await readBytes(file)).split(/\r?\n/);
  for (const line of lines.filter((one) => one.trim() !== "")) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw wrongUsage("headers_unreadable", `"${line.slice(0, 60)}" is no header such as Name: value.`);
    headers.append(name, value.trim());
  }
  return headers;
}

function readOptions(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  try {
    const read: unknown = JSON.parse(text);
    const entries = Object.entries(Object(read) as Record<string, unknown>);
    if (entries.every(([, value]) => typeof value === "string"))
      return Object.fromEntries(entries) as Record<string, string>;
  } catch {
    // said below
  }
  throw wrongUsage("options_unreadable", '--options is JSON such as {"api_key":"…"}, with texts alone.');
}

function readAt(text: string | undefined): number {
  const at = text === undefined ? Date.now() : Date.parse(text);
  if (Number.isNaN(at)) throw wrongUsage("at_invalid", "--at is an instant such as 2026-11-22T12:00:00Z.");
  return at;
}

/** Bytes, not text: reading them as text and writing them again may change them. */
async function readBytes(file: string): Promise<Uint8Array<ArrayBuffer>> {
  if (file === "-") return new Uint8Array(await buffer(process.stdin));
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    const { code }: { code?: string } = Object(error);
    throw wrongUsage("file_unreadable", `The file ${file} cannot be read (${code ?? "unknown"}).`);
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
