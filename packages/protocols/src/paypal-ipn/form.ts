import { type Unreadable, unreadable } from "../values.ts";

/** The fields of a form as they were decoded; a name given twice has its first value. */
export type Form = ReadonlyMap<string, string>;

/**
 * Percent-decodes the form to bytes and reads those in the charset the message names, which no header tells.
 * Bytes the charset does not know become U+FFFD: a name that cannot be shown must not hold up the money.
 * @returns unreadable_charset for a charset nobody here can decode; unreadable_form for what has no fields
 * Source: PayPal "IPN and PDT variables", charset; accounts that never chose one send windows-1252
 */
export function readForm(body: Uint8Array): { readonly ok: true; readonly form: Form } | Unreadable {
  const pairs = pairsOf(body);
  const label = pairs.find(({ name }) => ascii(name) === "charset")?.value;
  const decode = decoderOf(label === undefined || label.length === 0 ? "windows-1252" : ascii(label));
  if (!decode) return unreadable("charset", "The charset this message names (charset) cannot be decoded here.");
  const form = formOf(pairs, decode);
  return form.size > 0 ? { ok: true, form } : unreadable("form", "The body is not a form with fields.");
}

/** The same with every byte read as one character: enough for addresses and ids, whatever the charset. */
export function readPlainForm(body: Uint8Array): Form {
  return formOf(pairsOf(body), ascii);
}

/** A pair of a form: its bytes as they came, and decoded. */
export type Pair = { readonly raw: Uint8Array; readonly name: Uint8Array; readonly value: Uint8Array };

export function pairsOf(body: Uint8Array): Pair[] {
  const pairs: Pair[] = [];
  for (let from = 0; from <= body.length; ) {
    const found = body.indexOf(ampersand, from);
    const to = found === -1 ? body.length : found;
    const raw = body.subarray(from, to);
    const equals = raw.indexOf(equalsSign);
    if (equals > 0)
      pairs.push({ raw, name: unescape(raw.subarray(0, equals)), value: unescape(raw.subarray(equals + 1)) });
    from = to + 1;
  }
  return pairs;
}

/** One character per byte. */
export function ascii(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function formOf(pairs: readonly Pair[], decode: (bytes: Uint8Array) => string): Form {
  const form = new Map<string, string>();
  for (const { name, value } of pairs) {
    const key = ascii(name);
    if (!form.has(key)) form.set(key, decode(value));
  }
  return form;
}

function decoderOf(label: string): ((bytes: Uint8Array) => string) | undefined {
  try {
    const decoder = new TextDecoder(label);
    return decoder.encoding === "windows-1252" ? western : (bytes) => decoder.decode(bytes);
  } catch {
    return undefined; // a RangeError: no such charset
  }
}

/** windows-1252 by the table: Node 20 takes it for Latin-1, whose 80 to 9F are control characters. */
function western(bytes: Uint8Array): string {
  return ascii(bytes).replace(/[\x80-\x9f]/g, (letter) => westernLetters[letter.charCodeAt(0) - 0x80] ?? letter);
}

/** 80 to 9F; five of them are no letters. Source: WHATWG Encoding, index windows-1252 */
const westernLetters = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/** `+` is a space, `%F6` the byte F6; a `%` without two hex digits stands for itself. */
function unescape(text: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at] ?? 0;
    const [high, low] = [hexDigit(text[at + 1]), hexDigit(text[at + 2])];
    if (byte === percent && high !== undefined && low !== undefined) {
      bytes[length] = high * 16 + low;
      at += 2;
    } else {
      bytes[length] = byte === plus ? space : byte;
    }
    length += 1;
  }
  return bytes.subarray(0, length);
}

function hexDigit(byte: number | undefined): number | undefined {
  if (byte === undefined) return undefined;
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? undefined : value;
}

const ampersand = 0x26;
const equalsSign = 0x3d;
const percent = 0x25;
const plus = 0x2b;
const space = 0x20;
