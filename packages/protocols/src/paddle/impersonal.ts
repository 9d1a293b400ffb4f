import { isObject, readObject } from "../values.ts";

/**
 * The same JSON without the person: what is not known to be harmless becomes null, since nobody can say whom it names,
 * and `"redacted": true` marks it. A body that is not a JSON object keeps nothing.
 * @param kept names of fields that stay, wherever they are (`total`), or within an object of a name (`price.name`)
 */
export function impersonal(body: Uint8Array, kept: ReadonlySet<string>): Uint8Array<ArrayBuffer> {
  const read = readObject(body);
  const left = read.ok ? keptOf(read.value, "", kept, 0) : {};
  return new TextEncoder().encode(JSON.stringify({ ...(isObject(left) ? left : {}), redacted: true }));
}

function keptOf(value: unknown, parent: string, kept: ReadonlySet<string>, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > deepest) return null;
  if (Array.isArray(value)) return value.map((entry: unknown) => keptOf(entry, parent, kept, depth + 1));
  const left: Record<string, unknown> = Object.create(null);
  for (const [name, one] of Object.entries(value)) {
    const stays = kept.has(name) || kept.has(`${parent}.${name}`);
    left[name] = stays ? keptOf(one, name, kept, depth + 1) : null;
  }
  return left;
}

/** No message nests deeper. */
const deepest = 12;
