import { isImpersonal, redactedMark } from "./fields.ts";
import { writeForm } from "./form.ts";
import { buyerOf } from "./buyer.ts";
import { valuesOf } from "./read.ts";

/**
 * The same call without the person: of the fields only those stay that are known to tell of order and money alone, and
 * `redacted=1` marks it. The signature goes with the rest; it would let a guess at the person be proven. That somebody's
 * address was told stays as an empty field.
 */
export function redact(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const values = valuesOf(body);
  const kept = [...values].filter(([name]) => isImpersonal(name));
  const email: [string, string][] = buyerOf(values) ? [["email", ""]] : [];
  return new TextEncoder().encode(writeForm([...kept, ...email, [redactedMark, "1"]]));
}
