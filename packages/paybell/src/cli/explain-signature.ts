import { verifySignature } from "@paybell/protocols/copecart/verify";

export type Explanation = {
  readonly fits: boolean;
  readonly code: string;
  readonly sentence: string;
};

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Says whether a CopeCart signature fits these bytes and this secret, and if not, which of the usual mistakes it is.
 * @returns code signature_fits, or one of signature_missing, signature_hex, signature_spelling, body_line_end,
 *          body_printed_again, secret_spelling, signature_malformed, signature_mismatch
 */
export async function explainSignature(signature: string, secret: string, body: Bytes): Promise<Explanation> {
  const fits = async (header: string, key: string, bytes: Bytes) => (await verifySignature(header, bytes, [key])).ok;
  const verdict = await verifySignature(signature, body, [secret]);
  if (verdict.ok)
    return {
      fits: true,
      code: "signature_fits",
      sentence: "The signature fits: these bytes were signed with this secret.",
    };

  const header = respelt(signature);
  if (header.text !== signature && (await fits(header.text, secret, body))) return no(header.code, header.sentence);
  for (const { bytes, code, sentence } of [...otherLineEnds(body), ...otherPrints(body)])
    if (await fits(header.text, secret, bytes)) return no(code, sentence);
  for (const { key, sentence } of otherSecrets(secret))
    if (await fits(header.text, key, body)) return no("secret_spelling", sentence);
  if (verdict.code !== "signature_mismatch") return no(verdict.code, verdict.sentence);
  return no(
    "signature_mismatch",
    "The signature fits neither these bytes nor any usual way of changing them: the secret is another one, or the notification was changed. Compare the secret with the one in CopeCart's IPN settings.",
  );
}

function no(code: string, sentence: string): Explanation {
  return { fits: false, code, sentence };
}

/** The digest as it should have been written. */
function respelt(signature: string): { text: string; code: string; sentence: string } {
  const bare = signature.trim();
  if (/^[0-9a-f]{64}$/i.test(bare)) {
    return {
      text: Buffer.from(bare, "hex").toString("base64"),
      code: "signature_hex",
      sentence:
        "The digest is right, but it is written in hex, and CopeCart writes Base64: send the 32 bytes as Base64, 44 characters that end in =.",
    };
  }
  const text = Buffer.from(bare.replace(/^["']|["']$|^sha256=/g, ""), "base64").toString("base64");
  return {
    text,
    code: "signature_spelling",
    sentence: `The digest is right, but it is not written as CopeCart writes it. Without blanks, quotes and prefixes, in standard Base64 with padding, it is ${text}`,
  };
}

type Variant = { readonly bytes: Bytes; readonly code: string; readonly sentence: string };

function otherLineEnds(body: Bytes): Variant[] {
  const text = decode(body);
  if (text === undefined) return [];
  const bare = text.replace(/^\uFEFF/, "").replace(/[\r\n]+$/, "");
  const more =
    "These bytes have a line end (or a byte-order mark) that was not signed. An editor or echo adds it: save the body exactly as it came, for instance with printf %s.";
  const less = "The signed bytes ended in a line end that these bytes lack: keep the body exactly as it came.";
  const turned = "The line ends inside these bytes were turned: keep the body exactly as it came.";
  return [
    variant(bare, "body_line_end", more),
    variant(`${bare}\n`, "body_line_end", less),
    variant(`${bare}\r\n`, "body_line_end", less),
    variant(text.replaceAll("\r\n", "\n"), "body_line_end", turned),
    variant(text.replace(/\r?\n/g, "\r\n"), "body_line_end", turned),
  ];
}

/** What programs make of a JSON text when they parse it and print it again. */
function otherPrints(body: Bytes): Variant[] {
  const text = decode(body);
  const value = text === undefined ? undefined : parsed(text);
  if (value === undefined) return [];
  const compact = JSON.stringify(value);
  const spaced = JSON.stringify(value, null, 1)
    .replace(/\n\s*/g, " ")
    .replace(/([{[]) | ([}\]])/g, "$1$2");
  const prints = [compact, spaced, JSON.stringify(value, null, 2), JSON.stringify(value, null, 4)];
  const sentence =
    "The notification is the same, but these bytes are not the ones that were signed: the JSON was parsed and printed again on the way. Check the signature over the raw body, before anything parses it.";
  return prints
    .flatMap((print) => [print, print.replaceAll("/", "\\/")])
    .flatMap((print) => [print, rubyEscaped(print), asciiOnly(print), asciiOnly(rubyEscaped(print))])
    .map((print) => variant(print, "body_printed_again", sentence));
}

/** As the sender escapes. */
function rubyEscaped(json: string): string {
  return json.replace(/[&<>]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

function asciiOnly(json: string): string {
  return json.replace(/[\u0080-\uFFFF]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function otherSecrets(secret: string): { key: string; sentence: string }[] {
  const bare = secret.trim();
  const unquoted = bare.replace(/^(["'])(.*)\1$/, "$2");
  const more = "The secret given here has blanks, a line end or quotes around it that the signing one has not.";
  const less =
    "The signing secret ends in a line end that the one given here has not: it was read from a file and not trimmed.";
  return [
    { key: bare, sentence: more },
    { key: unquoted, sentence: more },
    { key: `${bare}\n`, sentence: less },
    { key: `${bare} `, sentence: "The signing secret has a blank at its end that the one given here has not." },
  ].filter(({ key }) => key !== "" && key !== secret);
}

function variant(text: string, code: string, sentence: string): Variant {
  return { bytes: new TextEncoder().encode(text), code, sentence };
}

function decode(body: Bytes): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return undefined;
  }
}
