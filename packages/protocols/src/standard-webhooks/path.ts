import { isObject, type Values } from "../values.ts";

/** Where a value stands in a message, or the value itself. */
export type Source =
  | { readonly constant: string }
  /** names from the outside in; `list`: how many of them lead to a list, each entry of which is meant */
  | { readonly names: readonly string[]; readonly list?: number };

/**
 * Reads `data.order.id`, `data.items[].sku` (of each entry), `data.items.0.sku` (of the first), or `=EUR` (a constant).
 * @returns undefined for what is none of these
 */
export function readSource(text: unknown): Source | undefined {
  if (typeof text !== "string" || text.length > 200) return undefined;
  if (text.startsWith("=")) return { constant: text.slice(1) };
  const parts = text.split(".");
  const names = parts.map((part) => (part.endsWith("[]") ? part.slice(0, -2) : part));
  if (names.some((name) => name === "" || /[[\]]/.test(name))) return undefined;
  const lists = parts.flatMap((part, n) => (part.endsWith("[]") ? [n + 1] : []));
  if (lists.length > 1) return undefined;
  return { names, ...(lists[0] !== undefined && { list: lists[0] }) };
}

/** @returns what stands there; undefined where nothing does */
export function valueAt(values: Values, source: Source | undefined): unknown {
  if (!source) return undefined;
  return "constant" in source ? source.constant : descend(values, source.names);
}

/**
 * @param entry of the list
 * @returns what stands there in this entry; the same for every entry where the source walks no list
 */
export function valueIn(values: Values, source: Source | undefined, entry: unknown): unknown {
  if (!source || "constant" in source || source.list === undefined) return valueAt(values, source);
  return descend(entry, source.names.slice(source.list));
}

/** The entries of the list a source walks. @returns undefined: it walks none */
export function entriesOf(values: Values, source: Source | undefined): readonly unknown[] | undefined {
  if (!source || "constant" in source || source.list === undefined) return undefined;
  const found = descend(values, source.names.slice(0, source.list));
  return Array.isArray(found) ? found : [];
}

/** How paths are compared: places in a list are all one. */
export function spelled(names: readonly string[], at?: number): string {
  const parts = names.map((name) => (/^\d+$/.test(name) ? "[]" : name));
  if (at !== undefined) parts.splice(at, 0, "[]");
  return parts.join(".");
}

function descend(value: unknown, names: readonly string[]): unknown {
  let found: unknown = value;
  for (const name of names) {
    if (Array.isArray(found)) found = /^\d{1,4}$/.test(name) ? found[Number(name)] : undefined;
    else found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return found;
}
