import { decodeBase64 } from "../base64.ts";
import type { Instant } from "../domain/day.ts";
import { inside, readValues, tags, type Value } from "./der.ts";

/** What is needed of an X.509 certificate. */
export type Certificate = {
  readonly commonNames: readonly string[];
  /** both instants are inside */
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  /** SubjectPublicKeyInfo as Web Crypto imports it */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly issuer: Uint8Array<ArrayBuffer>;
  readonly subject: Uint8Array<ArrayBuffer>;
  /** the part its issuer signed, how, and the signature */
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly algorithm: string;
  readonly signature: Uint8Array<ArrayBuffer>;
};

/**
 * Reads a file of certificates, the signing one first.
 * @returns undefined for anything that is not certificates from beginning to end: a page that merely quotes one is none
 * Source: RFC 7468, sections 2 and 5
 */
export function readPem(file: Uint8Array): Certificate[] | undefined {
  const text = new TextDecoder().decode(file);
  if (
    text.length > longest ||
    !/^\s*(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/.test(text)
  )
    return undefined;
  const blocks = text.split("-----END CERTIFICATE-----").slice(0, -1);
  const read = blocks.map((block) => {
    const bytes = decodeBase64(block.replace("-----BEGIN CERTIFICATE-----", "").replace(/\s/g, ""));
    return bytes && readCertificate(bytes);
  });
  const certificates = read.flatMap((one) => one ?? []);
  return certificates.length === read.length && read.length <= most ? certificates : undefined;
}

/** @returns undefined for what is not an X.509 certificate. Source: RFC 5280, section 4.1 */
export function readCertificate(bytes: Uint8Array<ArrayBuffer>): Certificate | undefined {
  const outer = readValues(bytes);
  const [signed, algorithm, signature] = (outer?.length === 1 && inside(outer[0], tags.sequence)) || [];
  const fields = inside(signed, tags.sequence);
  // The version is left out in those of version 1.
  const [, , issuer, validity, subject, publicKey] = fields?.[0]?.tag === 0xa0 ? fields.slice(1) : (fields ?? []);
  const times = inside(validity, tags.sequence)?.map(instantOf);
  const id = inside(algorithm, tags.sequence)?.[0];
  const commonNames = commonNamesOf(subject);
  if (!signed || !issuer || !subject || publicKey?.tag !== tags.sequence || id?.tag !== tags.objectId) return undefined;
  // A signature is whole bytes: no spare bits.
  if (signature?.tag !== tags.bitString || signature.content[0] !== 0 || !commonNames) return undefined;
  const [notBefore, notAfter] = times ?? [];
  if (notBefore === undefined || notAfter === undefined) return undefined;
  return {
    commonNames,
    notBefore,
    notAfter,
    publicKey: publicKey.whole,
    issuer: issuer.whole,
    subject: subject.whole,
    signed: signed.whole,
    algorithm: hex(id.content),
    signature: signature.content.subarray(1),
  };
}

/** Each one is signed by the next, whose name it carries as that of its issuer. The last one's issuer is not asked for. */
export async function isChain(certificates: readonly Certificate[]): Promise<boolean> {
  for (const [at, issuer] of certificates.slice(1).entries()) {
    const certificate = certificates[at];
    if (!certificate || hex(certificate.issuer) !== hex(issuer.subject)) return false;
    const hash = hashes.get(certificate.algorithm);
    if (!hash || !(await isSignedBy(issuer, certificate.signature, certificate.signed, hash))) return false;
  }
  return true;
}

/** RSA PKCS #1 v1.5. @returns false for a key of another kind too */
export async function isSignedBy(
  { publicKey }: Pick<Certificate, "publicKey">,
  signature: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
  hash = "SHA-256",
): Promise<boolean> {
  try {
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash };
    const key = await crypto.subtle.importKey("spki", publicKey, algorithm, false, ["verify"]);
    return await crypto.subtle.verify(algorithm, key, signature, data);
  } catch {
    return false; // a key of another kind, or none
  }
}

const longest = 100_000;
const most = 8;

/** sha256WithRSAEncryption and its longer sisters. Source: RFC 8017, appendix C */
const hashes: ReadonlyMap<string, string> = new Map([
  ["2a864886f70d01010b", "SHA-256"],
  ["2a864886f70d01010c", "SHA-384"],
  ["2a864886f70d01010d", "SHA-512"],
]);

const commonName = "550403";
const texts: readonly number[] = [tags.utf8String, tags.printableString, tags.ia5String];

/** @returns undefined where a name cannot be read */
function commonNamesOf(subject: Value | undefined): string[] | undefined {
  const entries = inside(subject, tags.sequence)?.flatMap((set) => inside(set, tags.set) ?? [undefined]);
  const names = entries?.map((entry) => {
    const [id, text] = inside(entry, tags.sequence) ?? [];
    if (id?.tag !== tags.objectId || !text) return undefined;
    if (hex(id.content) !== commonName) return null;
    return texts.includes(text.tag) ? new TextDecoder().decode(text.content) : undefined;
  });
  if (!names || names.includes(undefined)) return undefined;
  return names.flatMap((name) => name ?? []);
}

/** `YYMMDDHHMMSSZ`, from 1950 to 2049, or the same with four digits of the year. Source: RFC 5280, section 4.1.2.5 */
function instantOf({ tag, content }: Value): Instant | undefined {
  const text = new TextDecoder().decode(content);
  const century = tag === tags.utcTime ? (text < "5" ? "20" : "19") : "";
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(century + text);
  if (!match || (tag !== tags.utcTime && tag !== tags.generalizedTime)) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const instant = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(instant) ? undefined : instant;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
