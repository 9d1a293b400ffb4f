/**
 * Fills `{first_name}`, `{product}` … in a seller's text, in one pass: what is filled in is never read again as a
 * placeholder. Unknown placeholders stay as they are. An empty value takes the space before it along, so that
 * "Hello {first_name}," does not become "Hello ,".
 */
export function fillPlaceholders(text: string, values: { readonly [name: string]: string }): string {
  return text.replace(/([^\S\n]?)\{([a-z_]{1,30})\}/g, (whole, space: string, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return value === undefined ? whole : value && space + value;
  });
}
