import { createPublicKey, generateKeyPairSync, verify as verifyRaw } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bytes, vector } from "./fixtures/vectors.ts";
import { publicKeyOf } from "./key.ts";
import { sign, signedContent } from "./sign.ts";

const known = vector("utf8-body");
const timestamp = Number(known.headers["webhook-timestamp"]);
const id = known.headers["webhook-id"] ?? "";
const body = bytes(known.body);
const older = `whsec_${btoa("an older secret of 32 bytes size")}`;

// The libraries ask the machine's clock.
beforeEach(() => void vi.useFakeTimers({ now: timestamp * 1000, toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const headers = (signature: string) => ({
  "webhook-id": id,
  "webhook-timestamp": String(timestamp),
  "webhook-signature": signature,
});

test("the published message is signed with exactly the published signature", async () => {
  for (const name of ["utf8-body", "reference-library-vector-v1"]) {
    const { headers, body, secret } = vector(name);
    const message = {
      id: headers["webhook-id"] ?? "",
      timestamp: Number(headers["webhook-timestamp"]),
      body: bytes(body),
    };
    expect(await sign(message, [secret])).toBe(headers["webhook-signature"]);
  }
});

test.each([
  ["standardwebhooks", (secret: string) => new Webhook(secret)],
  ["svix", (secret: string) => new SvixWebhook(secret)],
])("the library %s accepts what we sign, with either secret during a rotation", async (_, library) => {
  const alone = await sign({ id, timestamp, body }, [known.secret]);
  const both = await sign({ id, timestamp, body }, [known.secret, older]);
  expect(both.split(" ")).toHaveLength(2);
  expect(() => library(known.secret).verify(known.body, headers(alone))).not.toThrow();
  expect(() => library(known.secret).verify(known.body, headers(both))).not.toThrow();
  expect(() => library(older).verify(known.body, headers(both))).not.toThrow();
  expect(() => library(older).verify(known.body, headers(alone))).toThrow("No matching signature");
});

/** A pair made elsewhere: seed and public key as they stand at the end of their DER forms. */
function pair() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ type: "pkcs8", format: "der" }).subarray(-32);
  const half = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  return { seed, half, publicKey };
}

test.each(["seed", "seed and public key"])(
  "an Ed25519 signature of a %s is accepted by Node's own check",
  async (form) => {
    const { seed, half, publicKey } = pair();
    const secret = `whsk_${Buffer.concat(form === "seed" ? [seed] : [seed, half]).toString("base64")}`;
    const entries = (await sign({ id, timestamp, body }, [secret, known.secret])).split(" ");
    expect(entries.map((entry) => entry.split(",")[0])).toEqual(["v1a", "v1"]);
    const signature = Buffer.from(entries[0]?.split(",")[1] ?? "", "base64");
    expect(verifyRaw(null, signedContent(id, String(timestamp), body), publicKey, signature)).toBe(true);
    const shown = (await publicKeyOf(secret)) ?? "";
    expect(shown).toBe(`whpk_${half.toString("base64")}`);
    const x = Buffer.from(shown.slice(5), "base64").toString("base64url");
    const rebuilt = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x } });
    expect(rebuilt.equals(publicKey)).toBe(true);
  },
);

test("a private key beside a foreign public half is not used", async () => {
  const secret = `whsk_${Buffer.concat([pair().seed, pair().half]).toString("base64")}`;
  expect(await publicKeyOf(secret)).toBeUndefined();
  await expect(sign({ id, timestamp, body }, [secret])).rejects.toThrow("secret_malformed");
});

test("only a private key has a public half to show", async () => {
  for (const secret of [known.secret, vector("v1a-own-key").secret, "", "whsk_", "whsk_AAAA"])
    expect(await publicKeyOf(secret)).toBeUndefined();
});

test("nothing is signed without a secret, with a public key, or under an id with a dot", async () => {
  await expect(sign({ id, timestamp, body }, [])).rejects.toThrow("secret_missing");
  await expect(sign({ id, timestamp, body }, [vector("v1a-own-key").secret])).rejects.toThrow("secret_malformed");
  await expect(sign({ id, timestamp, body }, ["whsec_"])).rejects.toThrow("secret_malformed");
  for (const wrong of ["", "a.b", "a b", "ä", "a\n"])
    await expect(sign({ id: wrong, timestamp, body }, [known.secret])).rejects.toThrow("id_malformed");
});

test("more secrets than are remembered still sign, the first of them again", async () => {
  const secret = (n: number) => `whsec_${btoa(`secret number ${n}`.padEnd(32))}`;
  const first = await sign({ id, timestamp, body }, [secret(0)]);
  for (let n = 0; n < 1_100; n += 1) await sign({ id, timestamp, body }, [secret(n)]);
  expect(await sign({ id, timestamp, body }, [secret(0)])).toBe(first);
});
