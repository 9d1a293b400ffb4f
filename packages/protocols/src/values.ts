/** A JSON object as it was read; nothing is known of its values. */
export type Values = Readonly<Record<string, unknown>>;

export type Unreadable = { readonly ok: false; readonly code: `unreadable_${string}`; readonly sentence: string };

/**
 * Bytes to one JSON object. Names given twice: the last one counts.
 * @returns unreadable_encoding, unreadable_json, unreadable_shape
 */
export function readObject(body: Uint8Array): { readonly ok: true; readonly value: Values } | Unreadable {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return unreadable("encoding", "The body is not UTF-8 text.");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return unreadable("json", "The body is not JSON.");
  }
  if (!isObject(value)) return unreadable("shape", "The body is JSON, but not an object with fields.");
  return { ok: true, value };
}

export function unreadable(what: string, sentence: string): Unreadable {
  return { ok: false, code: `unreadable_${what}`, sentence };
}

export function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Missing, null and empty text all say nothing. */
export function blank(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/**
 * An id is opaque text and kept exactly. A number counts as its digits while it is exact.
 * @returns undefined for nothing, for more than 255 characters, and for what PostgreSQL's text cannot hold
 */
export function id(value: unknown): string | undefined {
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== "string" || text === "" || text.length > 255 || unstorable.test(text)) return undefined;
  return text;
}

/** A name or other text for people: trimmed, at most `longest` characters, what PostgreSQL's text cannot hold replaced. */
export function label(value: unknown, longest = 500): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return undefined;
  const clean = text.slice(0, longest).replace(unstorableAll, "\uFFFD").trim();
  return clean === "" ? undefined : clean;
}

/** An address as typed, trimmed; undefined for what no mailbox can have. */
export function email(value: unknown): string | undefined {
  const text = typeof value === "string" ? value.trim() : "";
  return text === "" || text.length > 320 || unstorable.test(text) ? undefined : text;
}

/** A value of an enumeration; "" where there is none. */
export function word(value: unknown): string {
  return typeof value === "string" ? value.trim().toLowerCase() : "";
}

/** A count from 0, at most nine digits; numeric text counts. */
export function count(value: unknown): number | undefined {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
}

export function isTrue(value: unknown): boolean {
  return value === true || value === 1 || word(value) === "true" || word(value) === "1";
}

// NUL and lone halves of surrogate pairs: PostgreSQL's text and jsonb refuse them.
const unstorable = /[\0\p{Cs}]/u;
const unstorableAll = /[\0\p{Cs}]/gu;
