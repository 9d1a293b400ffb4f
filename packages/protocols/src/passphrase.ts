import { encodeBase64Url } from "./base64.ts";

/** A secret that is a text somebody may have to type: letters, digits, `-` and `_`; 32 bytes make 43 characters. */
export function newPassphrase(random: Uint8Array): string {
  return encodeBase64Url(random);
}

/** @returns a sentence that says what is wrong with it; undefined: it can be used */
export function passphraseFault(secret: string, longest: number): string | undefined {
  if (secret === "") return "The secret is empty, and whoever can guess it can forge notifications.";
  if (secret !== secret.trim())
    return "The secret begins or ends with white space, which gets lost when it is copied to the other side.";
  if (/[\p{Cc}\p{Cs}]/u.test(secret)) return "The secret contains a character that cannot be typed.";
  const { length } = secret;
  if (length < shortest) return `The secret has ${length} characters; it needs ${shortest} or more.`;
  return length > longest ? `The secret has ${length} characters; the receivers take ${longest} at most.` : undefined;
}

/** Receivers exist whose secret somebody chose by hand; what can be tried out within hours is refused. */
const shortest = 8;
