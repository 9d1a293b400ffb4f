/**
 * Reads a form body as PHP does where names are flat: UTF-8, a name given twice has its last value.
 * What is verified and what is read later have to be the same fields, so both come from here.
 */
export function readForm(body: Uint8Array): ReadonlyMap<string, string> {
  // A byte-order mark is part of the first name; and a leading `?` too, which URLSearchParams would drop.
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
  return new Map(new URLSearchParams(`&${text}`));
}

/**
 * Writes a form body.
 * @throws for a name with other characters than letters, digits and `_`: a receiver in PHP would see it under another
 */
export function writeForm(fields: Iterable<readonly [name: string, value: string]>): string {
  const form = new URLSearchParams();
  for (const [name, value] of fields) {
    if (!/^[A-Za-z0-9_]+$/.test(name))
      throw new Error("field_name_malformed: A form field's name is made of letters, digits and _.");
    form.append(name, value);
  }
  return form.toString();
}
