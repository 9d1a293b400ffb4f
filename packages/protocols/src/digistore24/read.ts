import { readForm } from "./form.ts";

/** The fields of a call. An empty one says no more than a missing one: the signature covers neither. */
export type Values = ReadonlyMap<string, string>;

export type Unreadable = { readonly ok: false; readonly code: `unreadable_${string}`; readonly sentence: string };

/** What is verified and what is read are the same fields. */
export function valuesOf(body: Uint8Array): Values {
  return readForm(body);
}

export function unreadable(what: string, sentence: string): Unreadable {
  return { ok: false, code: `unreadable_${what}`, sentence };
}

/** The first of these fields that says something; "" where none does. */
export function text(values: Values, ...names: readonly string[]): string {
  return names.map((name) => values.get(name) ?? "").find((value) => value !== "") ?? "";
}

/**
 * An id is opaque and kept exactly.
 * @returns undefined for nothing, for more than `longest` characters, and for what PostgreSQL's text cannot hold
 */
export function id(value: string, longest = 255): string | undefined {
  return value === "" || value.length > longest || unstorable.test(value) ? undefined : value;
}

/** A name or other text for people: trimmed, at most 500 characters, what PostgreSQL's text cannot hold replaced. */
export function label(value: string): string | undefined {
  return value.slice(0, 500).replace(unstorableAll, "\uFFFD").trim() || undefined;
}

/** An address as typed, trimmed; undefined for what no mailbox can have. */
export function address(value: string): string | undefined {
  return id(value.trim(), 320);
}

/** A value of an enumeration; "" where there is none. */
export function word(values: Values, ...names: readonly string[]): string {
  return text(values, ...names)
    .trim()
    .toLowerCase();
}

/** A count from 0, at most nine digits. */
export function count(value: string): number | undefined {
  return /^\d{1,9}$/.test(value.trim()) ? Number(value) : undefined;
}

// NUL, and the half of a surrogate pair that cutting may leave: PostgreSQL's text and jsonb refuse them.
const unstorable = /[\0\p{Cs}]/u;
const unstorableAll = /[\0\p{Cs}]/gu;
