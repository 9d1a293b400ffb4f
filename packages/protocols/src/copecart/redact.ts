import { fields, lineFields } from "./fields.ts";
import { isObject, readObject } from "../values.ts";

/**
 * The same message without the person: every field of the buyer, `metadata` and `affiliate` become null, and
 * `"redacted": true` marks it. A field this table does not know becomes null as well, since nobody can say
 * whom it names. A body that is not a JSON object keeps nothing.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const read = readObject(body);
  const kept: Record<string, unknown> = Object.create(null);
  for (const name of read.ok ? Object.keys(read.value) : []) {
    kept[name] = read.ok ? impersonal(name, read.value[name]) : null;
  }
  kept["redacted"] = true;
  return new TextEncoder().encode(JSON.stringify(kept));
}

const kinds = new Map<string, string>(
  fields.filter((field) => !("personal" in field)).map(({ name, type }) => [name, type]),
);

/** Rebuilds lists from what they are known to hold, so that nothing rides along inside. */
function impersonal(name: string, value: unknown): unknown {
  const kind = kinds.get(name);
  if (kind === undefined) return null;
  if (typeof value !== "object" || value === null) return value;
  if (!Array.isArray(value)) return null;
  if (kind === "list") return value.filter((entry) => typeof entry === "string");
  return kind === "lines" ? value.map(impersonalLine) : null;
}

function impersonalLine(line: unknown): unknown {
  if (!isObject(line)) return null;
  return Object.fromEntries(
    lineFields
      .filter(({ name }) => Object.hasOwn(line, name))
      .map(({ name }) => [name, typeof line[name] === "object" ? null : line[name]]),
  );
}
