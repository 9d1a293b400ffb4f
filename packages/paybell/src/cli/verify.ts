import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { copecart } from "@paybell/protocols/copecart/copecart";
import { sign } from "@paybell/protocols/copecart/sign";
import { command } from "./command.ts";
import { describeReading } from "./describe-reading.ts";
import { explainSignature } from "./explain-signature.ts";
import { wrongUsage } from "./failure.ts";

export const verify = command({
  name: "verify",
  description: "Check a notification's signature, say what is wrong with it, and read what it says",
  positionals: [{ name: "protocol", description: "copecart" }],
  flags: {
    secret: { type: "string", description: "the secret of the connection", valueHint: "text" },
    signature: {
      type: "string",
      description: "the header X-Copecart-Signature; without it, what it should be is shown",
      valueHint: "Base64",
    },
    body: {
      type: "string",
      description: "file with the exact bytes of the body; - or nothing is the standard input",
      valueHint: "file",
    },
  },
  async run({ flags: { secret, signature, body: file = "-" }, positionals: [protocol], output }) {
    if (protocol !== "copecart")
      throw wrongUsage(
        "protocol_unknown",
        `${protocol ? `There is no protocol "${protocol}"` : "Which protocol"}: only copecart can be verified, as in: paybell verify copecart --secret … --signature … --body notification.json`,
      );
    if (secret === undefined)
      throw wrongUsage("secret_missing", "--secret is needed: the one typed into CopeCart's IPN settings.");
    const body = await readBody(file);
    let fits = true;
    if (signature === undefined) {
      const expected = await sign(body, secret);
      output.say(`? No --signature was given. For these ${body.length} bytes and this secret it is ${expected}`);
      output.data({ type: "signature", fits: null, code: "signature_missing", expected });
    } else {
      const explained = await explainSignature(signature, secret, body);
      fits = explained.fits;
      output.say(`${fits ? "✓" : "✗"} ${explained.sentence}`);
      output.data({ type: "signature", ...explained });
    }
    const read = copecart.parse(body);
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

/** Bytes, not text: reading them as text and writing them again may change them. */
async function readBody(file: string): Promise<Uint8Array<ArrayBuffer>> {
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
