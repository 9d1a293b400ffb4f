import { decodeBase64, encodeBase64 } from "../base64.ts";
import { hmacKey } from "../hmac.ts";
import { readSecret } from "./secret.ts";

/** A secret made ready for use. Its kind alone decides the version: a public key never serves as an HMAC key. */
export type Key = {
  readonly version: "v1" | "v1a";
  /** in constant time */
  verify(signature: Uint8Array<ArrayBuffer>, content: Uint8Array<ArrayBuffer>): Promise<boolean>;
  /** absent for a public key, which cannot sign */
  readonly sign?: (content: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>;
  /** `whpk_…`; absent for a symmetric secret */
  readonly publicKey?: string;
};

const ed25519 = { name: "Ed25519" };

/**
 * The key behind a secret, imported once: an import costs more than a signature.
 * @returns undefined for a secret that cannot be used
 */
export function keyOf(secret: string): Promise<Key | undefined> {
  const known = keys.get(secret);
  if (known) return known;
  const key = imported(secret);
  const oldest = keys.size >= mostKeys ? keys.keys().next() : undefined;
  if (oldest && !oldest.done) keys.delete(oldest.value);
  keys.set(secret, key);
  return key;
}

/**
 * The public half of a `whsk_` secret, `whpk_…`, to be shown to the receiver.
 * @returns undefined for secrets of other kinds, and for one whose two halves do not belong together
 */
export async function publicKeyOf(secret: string): Promise<string | undefined> {
  const key = await keyOf(secret);
  return key?.sign && key.publicKey;
}

const mostKeys = 1_000;
const keys = new Map<string, Promise<Key | undefined>>();

async function imported(secret: string): Promise<Key | undefined> {
  const material = readSecret(secret);
  if ("fault" in material) return undefined;
  switch (material.kind) {
    case "symmetric":
      return { version: "v1", ...(await hmacKey(material.bytes)) };
    case "public":
      return publicOnly(material.bytes);
    case "private": {
      const pkcs8 = new Uint8Array([...pkcs8Header, ...material.seed]);
      const sign = await crypto.subtle.importKey("pkcs8", pkcs8, ed25519, true, ["sign"]);
      const bytes = await publicHalf(sign);
      if (material.claimed && encodeBase64(material.claimed) !== encodeBase64(bytes)) return undefined;
      const half = await publicOnly(bytes);
      return (
        half && { ...half, sign: async (content) => new Uint8Array(await crypto.subtle.sign(ed25519, sign, content)) }
      );
    }
    default:
      return material satisfies never;
  }
}

async function publicOnly(bytes: Uint8Array<ArrayBuffer>): Promise<Key | undefined> {
  try {
    const key = await crypto.subtle.importKey("raw", bytes, ed25519, false, ["verify"]);
    const verify: Key["verify"] = (signature, content) => crypto.subtle.verify(ed25519, key, signature, content);
    return { version: "v1a", verify, publicKey: `whpk_${encodeBase64(bytes)}` };
  } catch {
    return undefined; // 32 bytes that are no point of the curve: some runtimes look at once, others when verifying
  }
}

/** Web Cryptography tells the public half only by way of a JSON Web Key. */
async function publicHalf(key: CryptoKey): Promise<Uint8Array<ArrayBuffer>> {
  const { x = "" } = await crypto.subtle.exportKey("jwk", key);
  const bytes = decodeBase64(`${x.replaceAll("-", "+").replaceAll("_", "/")}=`);
  if (bytes?.length !== 32) throw new Error("key_malformed: An Ed25519 key has to have a public half of 32 bytes.");
  return bytes;
}

/** What stands before the seed. Source: RFC 8410, section 7 */
const pkcs8Header = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
