/** An HMAC-SHA-256 key, made once: making one costs more than a signature. */
export type HmacKey = {
  sign(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** in constant time */
  verify(signature: Uint8Array<ArrayBuffer>, data: Uint8Array<ArrayBuffer>): Promise<boolean>;
};

/** @param bytes not empty */
export async function hmacKey(bytes: Uint8Array<ArrayBuffer>): Promise<HmacKey> {
  return (nodeCrypto && quickKey(nodeCrypto, bytes)) ?? portableKey(bytes);
}

async function portableKey(bytes: Uint8Array<ArrayBuffer>): Promise<HmacKey> {
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  return {
    sign: async (data) => new Uint8Array(await crypto.subtle.sign("HMAC", key, data)),
    verify: (signature, data) => crypto.subtle.verify("HMAC", key, signature, data),
  };
}

/** Where there is a Node, its own functions do the same at a sixth of the cost: no way to another thread and back. */
const nodeCrypto = (
  globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
).process?.getBuiltinModule?.("node:crypto") as NodeCrypto | undefined;

type NodeCrypto = {
  createSecretKey(bytes: Uint8Array): object;
  createHmac(hash: string, key: object): { update(data: Uint8Array): { digest(): Uint8Array<ArrayBuffer> } };
  timingSafeEqual(one: Uint8Array, other: Uint8Array): boolean;
};

function quickKey(node: NodeCrypto, bytes: Uint8Array): HmacKey {
  const key = node.createSecretKey(bytes);
  const digest = (data: Uint8Array) => node.createHmac("sha256", key).update(data).digest();
  return {
    sign: async (data) => digest(data),
    verify: async (signature, data) => signature.length === 32 && node.timingSafeEqual(signature, digest(data)),
  };
}
