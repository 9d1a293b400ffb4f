import { isObject, readObject, type Values } from "../values.ts";
import { isDashboardTest } from "./message.ts";

/**
 * The same message without the person. What is known to be impersonal stays: ids, kinds, times, amounts, and the names
 * of products; all else becomes null, since nobody can say whom it names. `"redacted": true` marks it. A body that is
 * not a JSON object keeps nothing.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const read = readObject(body);
  const kept = read.ok ? impersonal(read.value, "", 0) : empty();
  if (read.ok && isDashboardTest(read.value)) kept["message"] = "test webhook";
  kept["redacted"] = true;
  return new TextEncoder().encode(JSON.stringify(kept));
}

function impersonal(values: Values, within: string, depth: number): Record<string, unknown> {
  const kept = empty();
  for (const name of Object.keys(values)) kept[name] = keep(values[name], name, within, depth);
  return kept;
}

function keep(value: unknown, name: string, within: string, depth: number): unknown {
  // Flat messages and those inside an envelope alike: nothing lies deeper than an amount of a line of the data.
  if (depth > deepest) return null;
  if (name === "line_items")
    return Array.isArray(value)
      ? value.map((line) => (isObject(line) ? impersonal(line, "line_items", depth + 1) : null))
      : null;
  if (isObject(value)) return containers.has(name) ? impersonal(value, name, depth + 1) : null;
  if (typeof value === "object") return null;
  const ofProduct = within === "product" || within === "line_items";
  return isImpersonal(name) || (ofProduct && productNames.has(name)) ? value : null;
}

const deepest = 6;
const productNames = new Set(["name", "title", "product"]);

const containers = new Set(
  "data order product amounts totals payment refund dispute chargeback subscription transfer".split(" "),
);

/** By its name: COPE's ids end in `_uuid` or `_id`, its amounts in `_cents`, its times in `_at`. */
function isImpersonal(name: string): boolean {
  if (/^(buyer|customer|client|affiliate|payer|user|member)/.test(name)) return false;
  return plain.has(name) || /_(uuid|id|cents|at)$/.test(name);
}

const plain = new Set(
  (
    "specversion id uuid source type subject time datacontenttype dataschema idempotency_key event_type schema_version " +
    "currency quantity state status kind vat_mode vat_responsibility rail"
  ).split(" "),
);

/** Without a prototype: every name is a field like any other. */
function empty(): Record<string, unknown> {
  return Object.create(null);
}
