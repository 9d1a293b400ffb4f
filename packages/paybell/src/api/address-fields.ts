import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { parseCurrency } from "@paybell/protocols/domain/money";
import type { Format } from "@paybell/protocols/format";
import { formats } from "@paybell/protocols/formats";
import { publicKeyOf } from "@paybell/protocols/standard-webhooks/key";
import { testEvent } from "@paybell/protocols/test-event";
import { z } from "zod";
import { addressOptions, type AddressOptions, type SealedAddress } from "../domain/address.ts";
import { headerFault } from "../send/line.ts";
import { type Nets, parseTarget } from "../send/nets.ts";
import { eventTypes } from "./job-view.ts";
import { problem } from "./problem.ts";

const pem = z.string().max(64 * 1024);
const option = addressOptions.shape;

/** What an outgoing connection is told about itself. Null takes a field back to its default. */
export const addressFields = z
  .object({
    /** where its events go */
    url: z.string().max(4000),
    /** event types, `payment.*` for all that begin so; null: all its format has words for */
    events: eventTypes.nullable(),
    /** only what speaks of one of these: the provider's or platform's own product id, or ours; null: everything */
    products: z.array(z.string().min(1).max(200)).min(1).max(1000).nullable(),
    /** only amounts within these, in minor units; what has no amount passes */
    amount: z
      .strictObject({
        min_minor: z.int().min(0).nullish(),
        max_minor: z.int().min(0).nullish(),
        currency: z
          .string()
          .refine((code) => parseCurrency(code) !== undefined, "must be a currency of ISO 4217")
          .overwrite((code) => parseCurrency(code) ?? code)
          .nullish(),
      })
      .refine(
        ({ min_minor: min, max_minor: max }) => min == null || max == null || min <= max,
        "min_minor must not be more than max_minor",
      )
      .nullable(),
    /** sent with every call */
    headers: z.record(z.string().min(1).max(100), z.string().max(4000)).nullable(),
    /** PEM: client certificate and its key, where the server asks for one; `ca`: who signed the server's, where that is nobody public */
    tls: z.strictObject({ cert: pem.optional(), key: pem.optional(), ca: pem.optional() }).nullable(),
    /** the events of one order one after the other */
    ordered: z.boolean(),
    schedule: option.schedule.nullable(),
    timeout_seconds: option.timeout_seconds.nullable(),
    concurrency: option.concurrency.nullable(),
    /** calls a second; null: as many as the concurrency allows */
    rate: option.rate.nullable(),
    /** CopeCart: how amounts are written */
    money: option.money.nullable(),
    /** CopeCart: what becomes of fields without a value */
    missing: option.missing.nullable(),
    disable_after_hours: option.disable_after_hours.nullable(),
  })
  .partial();

export type AddressFields = z.output<typeof addressFields>;

/** An outgoing connection's settings, checked. */
export type Address = {
  readonly target: SealedAddress;
  /** null: all */
  readonly types: readonly string[] | null;
  readonly products: readonly string[] | null;
  readonly minMinor: number | null;
  readonly maxMinor: number | null;
  readonly currency: string | null;
  readonly ordered: boolean;
  readonly options: AddressOptions;
};

/** @throws the problem `protocol_unknown` */
export function formatNamed(name: string): Format {
  const format = formats.get(name);
  if (format) return format;
  const known = [...formats.keys()].join(", ");
  const errors = [{ path: "protocol", message: `one of ${known}` }];
  throw problem(422, "protocol_unknown", `There is no format of that name. Known: ${known}.`, { errors });
}

/**
 * Changes an address as asked, or makes a new one.
 * @param before undefined: a new one
 * @throws problems with a code of their own: the address's, `header_invalid`, `tls_invalid`, `events_not_expressible`
 */
export async function readAddress(
  before: Address | undefined,
  given: AddressFields,
  format: Format,
  nets: Nets,
): Promise<Address> {
  const { amount } = given;
  return {
    target: {
      url: given.url === undefined ? (before?.target.url ?? readUrl("", nets)) : readUrl(given.url, nets),
      headers: given.headers === undefined ? (before?.target.headers ?? {}) : await readHeaders(given.headers, format),
      ...readTls(given.tls === undefined ? before?.target.tls : given.tls),
    },
    types: before && given.events === undefined ? before.types : readTypes(given.events ?? null, format),
    products: given.products === undefined ? (before?.products ?? null) : given.products,
    minMinor: amount === undefined ? (before?.minMinor ?? null) : (amount?.min_minor ?? null),
    maxMinor: amount === undefined ? (before?.maxMinor ?? null) : (amount?.max_minor ?? null),
    currency: amount === undefined ? (before?.currency ?? null) : (amount?.currency ?? null),
    ordered: given.ordered ?? before?.ordered ?? false,
    options: readOptions(before?.options ?? {}, given, format),
  };
}

function readUrl(text: string, nets: Nets): string {
  const target = parseTarget(text, nets);
  if (target.ok) return target.url.href;
  throw problem(422, target.code, target.sentence, { errors: [{ path: "url", message: target.sentence }] });
}

/** Names in lower case: which of two spellings is sent would be chance. */
async function readHeaders(given: Readonly<Record<string, string>> | null, format: Format) {
  const own = await headersOf(format);
  const headers: Record<string, string> = {};
  for (const [spelt, value] of Object.entries(given ?? {})) {
    const name = spelt.toLowerCase();
    const fault =
      headerFault({ [name]: value })?.sentence ??
      (own.has(name) ? `The header "${name}" belongs to the format.` : undefined) ??
      (name in headers ? `The header "${name}" is there twice.` : undefined);
    if (fault !== undefined)
      throw problem(422, "header_invalid", fault, { errors: [{ path: `headers.${spelt}`, message: fault }] });
    headers[name] = value;
  }
  const length = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (length <= mostHeaderBytes) return headers;
  const message = "All headers together are longer than 8,000 characters.";
  throw problem(422, "header_invalid", message, { errors: [{ path: "headers", message }] });
}

const mostHeaderBytes = 8000;

/** Names of the headers a format sends itself. */
async function headersOf(format: Format): Promise<ReadonlySet<string>> {
  const { type, data } = format.sample(0);
  const body = format.render({ id: "sample", type, at: 0, test: true, data }, {}) ?? new Uint8Array();
  const secrets = [format.newSecret(new Uint8Array(32))];
  const { headers } = await format.sign(body, { id: "sample", at: 0, secrets, number: 1 });
  return new Set(Object.keys(headers).map((name) => name.toLowerCase()));
}

function readTls(given: AddressFields["tls"]): Pick<SealedAddress, "tls"> {
  if (!given) return {};
  const refuse = (path: string, message: string) =>
    problem(422, "tls_invalid", message, { errors: [{ path, message }] });
  const { cert, key, ca } = given;
  if (cert !== undefined || key !== undefined) {
    if (cert === undefined) throw refuse("tls.cert", "The certificate of this key is missing.");
    if (key === undefined) throw refuse("tls.key", "The key of this certificate is missing.");
    const certificate = attempt(() => new X509Certificate(cert));
    if (!certificate) throw refuse("tls.cert", "This is no certificate in PEM.");
    const privateKey = attempt(() => createPrivateKey(key));
    if (!privateKey)
      throw refuse("tls.key", "This is no private key in PEM, or it has a passphrase: give it without one.");
    if (!certificate.checkPrivateKey(privateKey))
      throw refuse("tls.key", "The key does not belong to the certificate.");
  } else if (ca === undefined) {
    throw refuse("tls", "Give a client certificate with its key, the authority that signed the server's, or both.");
  }
  if (ca !== undefined && !attempt(() => new X509Certificate(ca)))
    throw refuse("tls.ca", "This is no certificate in PEM.");
  return { tls: { ...(cert !== undefined && { cert, key }), ...(ca !== undefined && { ca }) } };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** What is wished for, as far as the format has words for it. */
function readTypes(wish: readonly string[] | null, { name, events }: Format): readonly string[] | null {
  if (events === null) return wish;
  const words = events.filter((type) => type !== testEvent);
  const types = words.filter((type) => wish?.some((one) => one === type || one === `${type.split(".")[0]}.*`) ?? true);
  if (types.length > 0) return types;
  const message = `${name} has words for none of these, only for ${words.join(", ")}`;
  throw problem(422, "events_not_expressible", `${message}.`, { errors: [{ path: "events", message }] });
}

const optionNames = Object.keys(addressOptions.shape) as (keyof AddressOptions)[];

function readOptions(before: AddressOptions, given: AddressFields, format: Format): AddressOptions {
  for (const path of ["money", "missing"] as const) {
    if (given[path] == null || format.name === "copecart") continue;
    const message = "only for copecart";
    throw problem(422, "invalid_request", `${path} is ${message}.`, { errors: [{ path, message }] });
  }
  const merged = optionNames.flatMap((name) => {
    const value = given[name] === undefined ? before[name] : given[name];
    return value == null ? [] : [[name, value] as const];
  });
  return addressOptions.parse(Object.fromEntries(merged));
}

/** @throws the problem `secret_unfit`, which never repeats the secret */
export async function checkSecret(secret: string, format: Format, path: string): Promise<void> {
  const fault =
    format.secretFault(secret) ??
    (isPrivateKey(secret) && (await publicKeyOf(secret)) === undefined
      ? "The two halves of this key do not belong together."
      : undefined);
  if (fault !== undefined) throw problem(422, "secret_unfit", fault, { errors: [{ path, message: fault }] });
}

/** @param isSigned the connection signs with an Ed25519 key: another one */
export function newSecretFor(format: Format, isSigned = false): string {
  return isSigned ? `whsk_${randomBytes(32).toString("base64")}` : format.newSecret(randomBytes(32));
}

/** An Ed25519 key: whoever receives needs its public half. */
export function isPrivateKey(secret: string): boolean {
  return secret.startsWith("whsk_");
}
