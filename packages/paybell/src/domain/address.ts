import { z } from "zod";

/** What of an outgoing connection is sealed: an address often holds a token. */
export const sealedAddress = z.object({
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  /** PEM; the client's certificate and its key, and who signed the server's where that is nobody public */
  tls: z.object({ cert: z.string().optional(), key: z.string().optional(), ca: z.string().optional() }).optional(),
});

export type SealedAddress = z.infer<typeof sealedAddress>;

/** The place an address is sealed for. */
export function sealedAddressFor(connectionId: string): string {
  return `address:${connectionId}`;
}

export const schedules = ["standard-webhooks", "copecart", "digistore24"] as const;

/** How an outgoing connection is served. Absent: the default. */
export const addressOptions = z
  .object({
    schedule: z.enum(schedules),
    /** over everything: name, connection, TLS, headers and body */
    timeout_seconds: z.int().min(1).max(30),
    /** calls at once */
    concurrency: z.int().min(1).max(100),
    /** calls a second */
    rate: z.number().min(0.01).max(10_000),
    /** CopeCart: how amounts are written */
    money: z.enum(["text", "number"]),
    /** CopeCart: what becomes of fields without a value */
    missing: z.enum(["null", "omit"]),
    /** hours of nothing but failures after which it is switched off */
    disable_after_hours: z.int().min(1).max(720),
  })
  .partial();

export type AddressOptions = z.infer<typeof addressOptions>;

export const addressDefaults = {
  timeout_seconds: 15,
  concurrency: 20,
  disable_after_hours: 120,
} as const;
