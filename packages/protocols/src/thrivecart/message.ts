import { isObject, readObject, type Unreadable, type Values } from "../values.ts";

/**
 * Reads a message of either surface into one shape: the form with PHP's brackets, or JSON.
 * What is verified and what is read later have to be the same fields, so both come from here.
 * @returns unreadable_encoding, unreadable_json, unreadable_shape
 */
export function readMessage(body: Uint8Array): { readonly ok: true; readonly value: Values } | Unreadable {
  return isJson(body) ? readObject(body) : { ok: true, value: readForm(body) };
}

export function isJson(body: Uint8Array): boolean {
  return /^\s*[[{]/.test(textOf(body.subarray(0, 1_000)));
}

/** A field inside others; undefined where one of them is missing. */
export function field(values: Values, ...path: readonly string[]): unknown {
  let value: unknown = values;
  for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  // PHP prints what it has no value for as this text.
  return value === "null" ? undefined : value;
}

export function part(values: Values, ...path: readonly string[]): Values {
  const value = field(values, ...path);
  return isObject(value) ? value : {};
}

/** A list: JSON's, or a form's, whose numbers are the names of its entries. */
export function list(values: Values, ...path: readonly string[]): readonly unknown[] {
  const value = field(values, ...path);
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value) : [];
}

/** `a[b][c]=1` as PHP reads it: a name given twice has its last value, `a[]` is the next of its list. */
function readForm(body: Uint8Array): Values {
  const values = record();
  // A leading `?` is part of the first name, which URLSearchParams would drop.
  for (const [name, value] of new URLSearchParams(`&${textOf(body)}`)) {
    const path = pathOf(name);
    const last = path?.at(-1);
    if (!path || last === undefined) continue;
    let into = values;
    for (const step of path.slice(0, -1)) {
      const key = step === "" ? next(into) : step;
      const known = into[key];
      const inner = isRecord(known) ? known : record();
      into[key] = inner;
      into = inner;
    }
    into[last === "" ? next(into) : last] = value;
  }
  return values;
}

/** @returns undefined for a name that starts with a bracket, and for one nested deeper than any field of ThriveCart's */
export function pathOf(name: string): readonly string[] | undefined {
  const [, base = "", rest = ""] = /^([^[]*)((?:\[[^\]]*\])*)/.exec(name) ?? [];
  const path = [base, ...Array.from(rest.matchAll(/\[([^\]]*)\]/g), ([, key = ""]) => key)];
  return base === "" || path.length > deepest ? undefined : path;
}

const deepest = 8;

type Fields = Record<string, unknown>;

function record(): Fields {
  return Object.create(null);
}

function isRecord(value: unknown): value is Fields {
  return isObject(value);
}

function next(fields: Fields): string {
  let key = Object.keys(fields).length;
  while (String(key) in fields) key += 1;
  return String(key);
}

function textOf(body: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
}
