import { parseDay } from "@paybell/protocols/domain/day";
import { parseCurrency } from "@paybell/protocols/domain/money";
import { type PaymentData, type PaymentEvent, paymentEvents } from "@paybell/protocols/domain/payment";
import { z } from "zod";
import { keyPattern } from "./idempotency.ts";

/** A payment event as it is published: `PaymentData`, its type, and what names it when it is sent again. */
export type GivenPayment = { readonly type: PaymentEvent; readonly key: string | null; readonly data: Given };

/** `test` is known from the key that publishes. */
type Given = Omit<PaymentData, "test"> & { readonly test?: boolean | undefined };

/** Neither can be kept: PostgreSQL has no U+0000, and half of a surrogate pair is no character. */
const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\0\p{Cs}]*$/u, "must be text without U+0000");
const name = (max: number) => text(max).min(1);
const count = (max: number) => z.int().min(1).max(max);

/** With a zone, so that nobody has to guess which. Goes out in UTC. */
const instant = z.iso
  .datetime({ offset: true, error: "must be an instant with its zone, such as 2026-03-27T23:59:59Z" })
  .max(40)
  .refine((value) => !value.startsWith("0"), "must lie after the year 999")
  .refine(isInstant, "must be an instant that exists")
  .overwrite((value) => (isInstant(value) ? new Date(value).toISOString() : value));

function isInstant(text: string): boolean {
  return !Number.isNaN(Date.parse(text));
}

const day = z.string().refine((value) => parseDay(value) !== undefined, "must be a day (2026-03-27) or an instant");
const when = z.union([instant, day], { error: "must be a day (2026-03-27) or an instant (2026-03-27T23:59:59Z)" });

const currency = z
  .string()
  .refine((code) => parseCurrency(code) !== undefined, "must be a currency of ISO 4217")
  .overwrite((code) => parseCurrency(code) ?? code);

/** Strict in all its parts: a misspelt field would be missed by every receiver, for ever. */
const paymentSchema = z.strictObject({
  type: z.enum(paymentEvents),
  /** a repeat under the same key is published once; default: the header Idempotency-Key */
  key: z.string().regex(keyPattern, "must be 1 to 255 printable ASCII characters without blanks").nullish(),
  order_id: name(200),
  ordered_at: instant.nullish(),
  transaction_id: name(200).nullish(),
  parent_transaction_id: name(200).nullish(),
  product: z.strictObject({ id: name(200), name: text(500).nullish(), product_id: name(200).nullish() }),
  quantity: count(1_000_000).nullish(),
  buyer: z.strictObject({
    email: text(254).regex(/^[^\s@]+@[^\s@]+$/, "must be an e-mail address"),
    id: name(200).nullish(),
    first_name: text(200).nullish(),
    last_name: text(200).nullish(),
    company: text(200).nullish(),
    country: z
      .string()
      .regex(/^[A-Za-z]{2}$/, "must be a country of ISO 3166-1, two letters")
      .toUpperCase()
      .nullish(),
    language: z
      .string()
      .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,6}$/, "must be a language tag such as de or de-AT")
      .nullish(),
  }),
  reference: text(2000).nullish(),
  /** in minor units, tax included: 29.90 EUR is 2990 */
  amount: z.strictObject({ minor: count(Number.MAX_SAFE_INTEGER), currency }).nullish(),
  tax_minor: z.int().min(0).nullish(),
  plan: z.strictObject({
    kind: z.enum(["once", "subscription", "instalments"]),
    interval: z.strictObject({ unit: z.enum(["day", "week", "month", "year"]), count: count(1000) }).nullish(),
    total: count(1000).nullish(),
  }),
  rate: count(100_000).nullish(),
  next_payment_at: when.nullish(),
  ends_at: when.nullish(),
  payment_method: text(100).nullish(),
  happened_at: instant,
  provider: text(100).nullish(),
  provider_event: text(200).nullish(),
  /** true exactly when it is published by a test key, or with ?mode=test; may be left out */
  test: z.boolean().optional(),
});

type Parsed = z.output<typeof paymentSchema>;

/** One payment, or a batch of up to 1,000. */
export const publishSchema = z.union([
  z.strictObject({ payments: z.array(paymentSchema).min(1).max(1000) }),
  paymentSchema,
]);

/** What `publishSchema` describes, told apart first, so that a fault is found in the form that was meant. */
export const onePayment = paymentSchema.superRefine((payment, context) => {
  for (const { path, message } of faultsOf(payment)) context.addIssue({ code: "custom", path: [path], message });
});
export const manyPayments = z.strictObject({ payments: z.array(onePayment).min(1).max(1000) });

export function givenPayment({ type, key, ...data }: Parsed): GivenPayment {
  return { type, key: key ?? null, data: withoutNulls(data) as Given };
}

/** A field that is null says the same as one that is missing, also to whoever repeats under a key. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) => (one === null ? [] : [[name, withoutNulls(one)]])),
  );
}

/** What a receiver of this event cannot do without. */
const needed: Partial<Record<PaymentEvent, readonly (keyof Parsed)[]>> = {
  "payment.made": ["transaction_id", "amount"],
  "payment.refunded": ["transaction_id", "amount"],
  "payment.refund_reversed": ["transaction_id", "amount"],
};

function faultsOf(payment: Parsed): { path: keyof Parsed; message: string }[] {
  const { type, amount, tax_minor } = payment;
  const faults = (needed[type] ?? [])
    .filter((field) => payment[field] == null)
    .map((path) => ({ path, message: `is missing: ${type} needs it` }));
  if (type.startsWith("payment.dispute") && payment.transaction_id == null && payment.parent_transaction_id == null)
    faults.push({ path: "transaction_id", message: `is missing: ${type} needs it or parent_transaction_id` });
  if (type === "order.trial_started" && payment.ends_at == null && payment.next_payment_at == null)
    faults.push({ path: "ends_at", message: `is missing: ${type} needs it or next_payment_at` });
  if (tax_minor != null && amount != null && tax_minor > amount.minor)
    faults.push({ path: "tax_minor", message: "must not be more than the amount, which includes it" });
  return faults;
}
