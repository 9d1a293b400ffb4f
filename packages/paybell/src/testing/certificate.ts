import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { isIP } from "node:net";

/** A certificate and its key, both PEM, made for one test run. */
export type Certificate = { readonly cert: string; readonly key: string };

export type Authority = Certificate & {
  /** for `names`, host names and IPv4 addresses; default: valid from yesterday until tomorrow */
  issue(names: readonly string[], notBefore?: Date, notAfter?: Date): Certificate;
};

/** Node can read X.509 but not write it, and a test must not need the openssl command. */
export function createAuthority(): Authority {
  const keys = newKeys();
  const commonName = `Test Authority ${randomUUID()}`;
  const cert = certificate({ commonName, issuerName: commonName, names: [], subject: keys, issuer: keys });
  return {
    cert,
    key: pem(keys.privateKey),
    issue(names, notBefore, notAfter) {
      const subject = newKeys();
      const [name = ""] = names;
      const issued = { commonName: name, issuerName: commonName, names, subject, issuer: keys, notBefore, notAfter };
      return { cert: certificate(issued), key: pem(subject.privateKey) };
    },
  };
}

export function selfSigned(name: string): Certificate {
  const keys = newKeys();
  const options = { commonName: name, issuerName: name, names: [name], subject: keys, issuer: keys };
  return { cert: certificate(options), key: pem(keys.privateKey) };
}

type Keys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const dayMs = 24 * 60 * 60 * 1000;

function newKeys(): Keys {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

/** RFC 5280, section 4.1; an authority when it has no names. */
function certificate(options: {
  readonly commonName: string;
  readonly issuerName: string;
  readonly names: readonly string[];
  readonly subject: Keys;
  readonly issuer: Keys;
  readonly notBefore?: Date | undefined;
  readonly notAfter?: Date | undefined;
}): string {
  const { names, subject, issuer } = options;
  const { notBefore = new Date(Date.now() - dayMs), notAfter = new Date(Date.now() + dayMs) } = options;
  const toBeSigned = sequence(
    der(0xa0, integer(2)), // version 3
    integer(1 + Math.floor(Math.random() * 2 ** 30)),
    ecdsaWithSha256,
    nameOf(options.issuerName),
    sequence(time(notBefore), time(notAfter)),
    nameOf(options.commonName),
    subject.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(names.length > 0 ? alternativeNames(names) : authority)),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", toBeSigned, issuer.privateKey));
  const base64 = sequence(toBeSigned, ecdsaWithSha256, signature).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)?.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** One value in the distinguished encoding rules of ASN.1. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return der(0x30, ...contents);
}

function integer(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  return der(0x02, bytes[0]! < 128 ? bytes : Buffer.concat([Buffer.from([0]), bytes]));
}

function time(at: Date): Buffer {
  return der(0x18, Buffer.from(at.toISOString().replace(/[-:T]|\.\d+/g, "")));
}

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(Buffer.from("0603550403", "hex"), der(0x0c, Buffer.from(commonName)))));
}

function alternativeNames(names: readonly string[]): Buffer {
  const entries = names.map((name) =>
    isIP(name) === 0 ? der(0x82, Buffer.from(name)) : der(0x87, Buffer.from(name.split(".").map(Number))),
  );
  return sequence(Buffer.from("0603551d11", "hex"), der(0x04, sequence(...entries)));
}

// 1.2.840.10045.4.3.2
const ecdsaWithSha256 = sequence(Buffer.from("06082a8648ce3d040302", "hex"));
// basicConstraints, critical: an authority
const authority = sequence(
  Buffer.from("0603551d13", "hex"),
  Buffer.from("0101ff", "hex"),
  der(0x04, sequence(Buffer.from("0101ff", "hex"))),
);
