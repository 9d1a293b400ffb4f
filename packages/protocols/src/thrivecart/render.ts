/** A message's fields, nested as ThriveCart nests them. */
export type Fields = { readonly [name: string]: Value };
type Value = string | number | null | undefined | Fields | readonly Value[];

/**
 * Writes a message as the form of an account webhook: `order[charges][0][amount]=1499`. What is null is the text `null`.
 * Source: ThriveCart "Using webhook notifications"
 */
export function renderForm(fields: Fields): Uint8Array<ArrayBuffer> {
  const form = new URLSearchParams();
  const write = (name: string, value: Value): void => {
    if (value === undefined) return;
    if (typeof value !== "object" || value === null) form.append(name, String(value));
    else for (const [key, inner] of Object.entries(value)) write(`${name}[${key}]`, inner);
  };
  for (const [name, value] of Object.entries(fields)) write(name, value);
  return new TextEncoder().encode(form.toString());
}

/** The same as an event subscription sends it. */
export function renderJson(fields: Fields): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(fields));
}
