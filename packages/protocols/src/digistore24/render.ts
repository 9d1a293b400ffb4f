import { type Digistore24Message, fields } from "./fields.ts";
import { writeForm } from "./form.ts";

/** Writes one call without its sha_sign. */
export function render(message: Digistore24Message): Uint8Array<ArrayBuffer> {
  const given = fields.flatMap((name): [string, string][] => {
    const value = message[name];
    return value === undefined ? [] : [[name, value]];
  });
  return new TextEncoder().encode(writeForm(given));
}
