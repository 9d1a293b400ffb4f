import { type HmacKey, hmacKey } from "./hmac.ts";

/**
 * The secret as an HMAC-SHA-256 key, made once.
 * @param secret as typed into the connection, taken as UTF-8; not empty
 */
export function keyOf(secret: string): Promise<HmacKey> {
  const known = keys.get(secret);
  if (known) return known;
  const key = hmacKey(new TextEncoder().encode(secret));
  const oldest = keys.size >= mostKeys ? keys.keys().next() : undefined;
  if (oldest && !oldest.done) keys.delete(oldest.value);
  keys.set(secret, key);
  return key;
}

const mostKeys = 1_000;
const keys = new Map<string, Promise<HmacKey>>();
