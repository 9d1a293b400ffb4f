/** Which spelling of the names is sorted and hashed: live traffic has the original one. */
export type Spelling = "original" | "upper";

/**
 * The digest behind `sha_sign`, 64 bytes.
 * @param fields the form's names and values; those named sha_sign and SHASIGN, in any case, are left out
 * @throws when the passphrase is empty: anybody can compute that digest
 * Source: Digistore24 "IPN", `digistore_signature` of its sample code
 */
export async function shaDigest(
  fields: ReadonlyMap<string, string>,
  passphrase: string,
  spelling: Spelling = "original",
): Promise<Uint8Array<ArrayBuffer>> {
  if (passphrase === "")
    throw new Error("secret_missing: A Digistore24 notification cannot be signed with an empty passphrase.");
  const encoder = new TextEncoder();
  const text = [...fields]
    .filter(([name, value]) => value !== "" && !isSignature(name))
    .map(([name, value]) => ({ name: spelling === "upper" ? upperAscii(name) : name, value }))
    .map((field) => ({ ...field, order: encoder.encode(field.name) }))
    .toSorted((a, b) => compareBytes(a.order, b.order))
    .map(({ name, value }) => `${name}=${value}${passphrase}`)
    .join("");
  return new Uint8Array(await crypto.subtle.digest("SHA-512", encoder.encode(text)));
}

/** The value of `sha_sign`: 128 hex digits in upper case. */
export async function shaSign(fields: ReadonlyMap<string, string>, passphrase: string): Promise<string> {
  const digest = await shaDigest(fields, passphrase);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}

/** Older senders call the field SHASIGN. */
export function isSignature(name: string): boolean {
  return /^sha_?sign$/i.test(name);
}

/** PHP's strtoupper: `ß` stays `ß`. */
function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < a.length && at < b.length; at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
