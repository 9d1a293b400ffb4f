import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, randomBytes } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Encrypts what must be shown or used again, hashes what must only be recognised. */
export type Seal = {
  /** AES-256-GCM; `about` binds the value to its place, so that it cannot be moved to another row */
  seal(text: string, about: string): Buffer;
  /** @throws when the value was sealed under another master key or for another place */
  open(sealed: Buffer, about: string): string;
  /** keyed hash for lookups of short values (licence keys, codes), which a plain hash would not protect */
  hash(text: string, about: string): Buffer;
};

/** @param masterKey 32 bytes */
export function createSeal(masterKey: Uint8Array): Seal {
  if (masterKey.length !== 32) throw new Error("The master key must be 32 bytes, written as Base64.");
  const sealing = createSecretKey(derive(masterKey, "seal"));
  const hashing = createSecretKey(derive(masterKey, "hash"));
  return {
    seal(text, about) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", sealing, nonce).setAAD(Buffer.from(about));
      const plain = Buffer.from(text, "utf8");
      const [form, content] =
        plain.length > packedAbove ? [packed, deflateRawSync(plain, { level: 3 })] : [asIs, plain];
      return Buffer.concat([form, nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, about) {
      const decipher = createDecipheriv("aes-256-gcm", sealing, sealed.subarray(1, 13)).setAAD(Buffer.from(about));
      decipher.setAuthTag(sealed.subarray(-16));
      const content = Buffer.concat([decipher.update(sealed.subarray(13, -16)), decipher.final()]);
      return (sealed[0] === packed[0] ? inflateRawSync(content) : content).toString("utf8");
    },
    hash(text, about) {
      return createHmac("sha256", hashing).update(`${about}\0${text}`).digest();
    },
  };
}

/** The first byte says how the text was written. */
const asIs = Buffer.from([1]);
const packed = Buffer.from([2]);
/** bytes; mails shrink to a fifth */
const packedAbove = 512;

function derive(masterKey: Uint8Array, use: string): Buffer {
  return Buffer.from(hkdfSync("sha256", masterKey, "paybell", use, 32));
}
