import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isChain, isSignedBy, readCertificate, readPem } from "./certificate.ts";
import { certificate } from "./fixtures/certificate.ts";
import { bytes, vectors } from "./fixtures/vectors.ts";

const root = certificate("Example Root");
const leaf = certificate("messageverificationcerts.paypal.com", { issuer: root, notBefore: "260101000000Z" });
const one = (pem: string) => readPem(bytes(pem)) ?? [];

test("name, validity and key of a certificate are read", () => {
  const [read] = one(leaf.pem);
  expect(read).toMatchObject({
    commonNames: ["messageverificationcerts.paypal.com"],
    notBefore: Date.parse("2026-01-01T00:00:00Z"),
    notAfter: Date.parse("2050-01-01T00:00:00Z"),
  });
  expect(read?.publicKey).toEqual(new Uint8Array(leaf.keys.publicKey.export({ type: "spki", format: "der" })));
});

test("one made by another program is read too", () => {
  expect(one(vectors[0]?.certificate ?? "")).toMatchObject([
    {
      commonNames: ["webhook-signing.test.invalid"],
      notBefore: Date.parse("2026-11-22T14:24:05Z"),
      notAfter: Date.parse("2126-10-29T14:24:05Z"),
    },
  ]);
});

test("a year of two digits from 50 on is of the last century", () => {
  expect(one(certificate("old", { notBefore: "500101000000Z" }).pem)[0]?.notBefore).toBe(
    Date.parse("1950-01-01T00:00:00Z"),
  );
});

test("a file's certificates are a chain when each signed the one before", async () => {
  expect(await isChain(one(leaf.pem))).toBe(true);
  expect(await isChain(one(leaf.pem + root.pem))).toBe(true);
  expect(await isChain(one(root.pem + leaf.pem))).toBe(false);
  // Of the same name, with another key.
  expect(await isChain(one(leaf.pem + certificate("Example Root").pem))).toBe(false);
  expect(await isChain(one(leaf.pem + certificate("Other Root").pem))).toBe(false);
});

test("a key of another kind than RSA verifies nothing and throws nothing", async () => {
  const [read] = one(certificate("curve", { curve: true, issuer: root }).pem);
  if (!read) throw new Error("the certificate cannot be read");
  expect(await isSignedBy(read, new Uint8Array(64), bytes("x"))).toBe(false);
});

test.each([
  ["a page that quotes one", `<html>${leaf.pem}</html>`],
  ["words before it", `Certificate:\n${leaf.pem}`],
  ["words between two", `${leaf.pem}and\n${root.pem}`],
  ["half of one", leaf.pem.slice(0, 300)],
  ["a key", leaf.pem.replaceAll("CERTIFICATE", "PUBLIC KEY")],
  ["bytes that are none", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
  ["nothing", ""],
  ["more than anybody needs", leaf.pem.repeat(9)],
])("%s is no file of certificates", (_, text) => {
  expect(readPem(bytes(text))).toBeUndefined();
});

test("never throws, whatever a certificate is changed to", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(255), fc.nat(), async (at, byte, end) => {
      const changed = leaf.der.slice(0, leaf.der.length - (end % 3));
      changed[at % changed.length] = byte;
      const read = readCertificate(changed);
      if (read) await isSignedBy(read, read.signature, read.signed);
    }),
  );
  fc.assert(fc.property(fc.uint8Array(), (noise) => readCertificate(new Uint8Array(noise)) === undefined));
});
