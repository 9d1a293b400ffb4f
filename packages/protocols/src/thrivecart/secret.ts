import { isJson } from "./message.ts";

/**
 * The same message with asterisks in place of the secret word, so that it can be kept: the word opens the door to whoever
 * knows it. Everything else stays byte for byte, the length included (save for a number of a few digits in JSON).
 * What the message says is the same; it can be verified no more.
 */
export function withoutSecret(body: Uint8Array): Uint8Array<ArrayBuffer> {
  // One character for each byte, so that places in the text are places in the body.
  let text = "";
  for (const byte of body) text += String.fromCharCode(byte);
  const blanked = isJson(body) ? blankJson(text) : text.startsWith("--") ? blankParts(text) : blankForm(text);
  return Uint8Array.from(blanked, (letter) => letter.charCodeAt(0));
}

function blankForm(text: string): string {
  return text
    .split("&")
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 0 || !/%|thrivecart/i.test(pair.slice(0, equals))) return pair;
      const [name = ""] = new URLSearchParams(`&${pair}`).keys();
      return isSecret(name.replace(/\[[^]*$/, "")) ? pair.slice(0, equals + 1) + stars(pair.slice(equals + 1)) : pair;
    })
    .join("&");
}

/** Wherever the name stands, at any depth; broken JSON too is kept as it came. */
function blankJson(text: string): string {
  let [blanked, from] = ["", 0];
  const strings = /"[^"\\]*(?:\\[^][^"\\]*)*"?/g;
  for (let match = strings.exec(text); match; match = strings.exec(text)) {
    const colon = /\s*:\s*/y;
    colon.lastIndex = strings.lastIndex;
    if (!colon.test(text) || !isSecret(unescaped(match[0]))) continue;
    const start = colon.lastIndex;
    const end = valueEnd(text, start);
    blanked += text.slice(from, start) + blankValue(text.slice(start, end));
    from = end;
    strings.lastIndex = end;
  }
  return blanked + text.slice(from);
}

function blankValue(value: string): string {
  if (value === "") return value;
  if (!value.startsWith('"')) return value.length < 4 ? "0".padEnd(value.length) : "null".padEnd(value.length);
  const closed = value.length > 1 && value.endsWith('"');
  return `"${stars(value.slice(1, closed ? -1 : undefined))}${closed ? '"' : ""}`;
}

/** Where a value ends, an object or a list with all that is in it. */
function valueEnd(text: string, start: number): number {
  const tokens = /"[^"\\]*(?:\\[^][^"\\]*)*"?|[[{]|[\]},]|[^"[\]{},]+/y;
  tokens.lastIndex = start;
  let depth = 0;
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const [token] = match;
    if (depth === 0 && /^[\]},]/.test(token)) return match.index;
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    if (depth === 0) return match.index + token.trimEnd().length;
  }
  return text.length;
}

/** What comes as parts of a form is not read, but kept as refused. */
function blankParts(text: string): string {
  return text.replace(
    /(name="?thrivecart_secret"?[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n)([^]*?)(?=\r?\n--|$)/gi,
    (_, head: string, value: string) => head + stars(value),
  );
}

function unescaped(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return ""; // an escape JSON does not know: nobody reads a name in it
  }
}

/** PHP reads dots and spaces in a name as `_`. */
function isSecret(name: string): boolean {
  return name.trim().toLowerCase().replace(/[ .]/g, "_") === "thrivecart_secret";
}

function stars(text: string): string {
  return "*".repeat(text.length);
}
