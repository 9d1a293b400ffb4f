/**
 * The secret as an HMAC-SHA-256 key, imported once: an import costs more than a signature.
 * @param secret as typed into the connection, taken as UTF-8; not empty
 */
export function keyOf(secret: string): Promise<CryptoKey> {
  const known = keys.get(secret);
  if (known) return known;
  const key = crypto.subtle.importKey("raw", new TextEncoder().encode(secret), algorithm, false, ["sign", "verify"]);
  const oldest = keys.size >= mostKeys ? keys.keys().next() : undefined;
  if (oldest && !oldest.done) keys.delete(oldest.value);
  keys.set(secret, key);
  return key;
}

const algorithm = { name: "HMAC", hash: "SHA-256" };
const mostKeys = 1_000;
const keys = new Map<string, Promise<CryptoKey>>();
