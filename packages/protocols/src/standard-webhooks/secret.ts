import { decodeBase64 } from "../base64.ts";

/** The key material behind a secret as it is written down. */
export type Material =
  | { readonly kind: "symmetric"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** `claimed`: the public key written behind the seed; whether it fits is seen when the key is made */
  | {
      readonly kind: "private";
      readonly seed: Uint8Array<ArrayBuffer>;
      readonly claimed?: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: "public"; readonly bytes: Uint8Array<ArrayBuffer> };

/**
 * Reads `whsec_…` (also without its prefix), `whsk_…` or `whpk_…`.
 * @returns a sentence about what is wrong with it, which does not repeat it
 * Source: Standard Webhooks 1.0.0, "Signature scheme"; the 64 bytes of a private key are seed and public key
 */
export function readSecret(text: string): Material | { readonly fault: string } {
  const prefix = prefixes.find((candidate) => text.startsWith(candidate)) ?? "";
  const bytes = decodeBase64(text.slice(prefix.length));
  if (!bytes)
    return {
      fault: `The secret is not Base64${prefix && ` behind ${prefix}`}: letters, digits, +, / and = at its end.`,
    };
  switch (prefix) {
    case "whpk_":
      return bytes.length === 32 ? { kind: "public", bytes } : wrongLength("A public key (whpk_)", "32", bytes);
    case "whsk_":
      if (bytes.length === 32) return { kind: "private", seed: bytes };
      if (bytes.length === 64) return { kind: "private", seed: bytes.slice(0, 32), claimed: bytes.slice(32) };
      return wrongLength("A private key (whsk_)", "32 or 64", bytes);
    default:
      if (bytes.length >= 24 && bytes.length <= 64) return { kind: "symmetric", bytes };
      return wrongLength("A secret (whsec_)", "24 to 64", bytes);
  }
}

const prefixes = ["whsec_", "whsk_", "whpk_"] as const;

function wrongLength(what: string, wanted: string, { length }: Uint8Array) {
  return { fault: `${what} is the Base64 of ${wanted} bytes; these are ${length}.` };
}
