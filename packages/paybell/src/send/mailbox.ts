/** One mailbox: a name to show, which may be empty, and an address. */
export type Mailbox = { readonly name: string; readonly address: string };

/**
 * Reads `Shop, Inc. <hello@shop.example>` or a bare address. One mailbox only: a comma in the name is part of the
 * name, and nothing in it can add a recipient or a header.
 */
export function parseMailbox(text: string): Mailbox | undefined {
  const match = /^\s*(?:([^<>]*?)\s*<([^<>]*)>|([^<>]*))\s*$/su.exec(text);
  const address = (match?.[2] ?? match?.[3] ?? "").trim();
  if (!isAddress(address)) return undefined;
  const name = (match?.[1] ?? "")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .replace(/^"(.*)"$/u, "$1");
  return { name, address };
}

/** One address that can be handed to a mail server as it is. */
export function isAddress(text: string): boolean {
  return text.length <= 254 && /^[^\s\p{Cc}<>()[\]\\,;:"@]{1,64}@[^\s\p{Cc}<>()[\]\\,;:"@]+$/u.test(text);
}
