import { createHash } from "node:crypto";

/**
 * What a provider makes up for itself: an id, a secret. It follows from what it is about, so that every message that
 * speaks of one thing names it alike.
 * @param length at most 64
 */
export function madeUp(alphabet: string, length: number, ...about: readonly string[]): string {
  const digest = createHash("sha512").update(JSON.stringify(about)).digest();
  return Array.from(digest.subarray(0, length), (byte) => alphabet[byte % alphabet.length]).join("");
}

export const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const hexDigits = "0123456789abcdef";

/** A random UUID by its form. */
export function madeUpUuid(...about: readonly string[]): string {
  const text = madeUp(hexDigits, 32, ...about);
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-a${text.slice(17, 20)}-${text.slice(20)}`;
}

/** A whole number of that many digits, as text. */
export function madeUpNumber(digits: number, ...about: readonly string[]): string {
  return madeUp("123456789", 1, ...about) + madeUp("0123456789", digits - 1, "rest", ...about);
}
