import { z } from "zod";
import { someRuleSettings } from "./settings.ts";

/**
 * A feature of a product. As text: open while the item is; `{n}` in it counts, so "month {n}" opens
 * "month 1" with the first payment and "month 2" with the second.
 */
export const featureConfig = z.union([
  z.string().trim().min(1).max(100),
  z.object({
    name: z.string().trim().min(1).max(100),
    /** opens with this payment: 2 is the second */
    opens_at_payment: z.int().min(1).max(1200).optional(),
    /** numeric limit; "quantity" is what the order states */
    limit: z.union([z.int().min(0).max(1_000_000_000), z.literal("quantity")]).optional(),
    /** several items with this feature add up their limits instead of the largest counting */
    adds_up: z.boolean().optional(),
  }),
]);

export const mailKinds = [
  "access_data",
  "trial",
  "licence_key",
  "renewal",
  "payment_failed",
  "access_paused",
  "access_back",
  "cancelled",
  "refunded",
] as const;
export type MailKind = (typeof mailKinds)[number];

const mailText = z.object({
  subject: z.string().max(200).optional(),
  /** paragraphs separated by blank lines; {first_name}, {product}, {order}, {until}, {amount} are filled in */
  text: z.string().max(10_000).optional(),
});

/** false: this mail is not sent */
const mailConfig = z.union([z.literal(false), z.object({ de: mailText.optional(), en: mailText.optional() })]);

export const licenceConfig = z.object({
  /** X is a random letter or digit: "XXXX-XXXX-XXXX". Without a pattern keys come from the uploaded pool. */
  pattern: z
    .string()
    .max(60)
    .refine(
      (text) => (text.match(/X/g) ?? []).length >= 12,
      "at least 12 places written as X, so that keys cannot be guessed",
    )
    .optional(),
  /** machines one key may be active on at once, for each unit bought; absent: no limit */
  activations: z.int().min(1).max(1_000_000).optional(),
});

const httpUrl = z.url({ protocol: /^https?$/ }).max(2000);

export const productConfig = z.object({
  features: z.array(featureConfig).max(200).default([]),
  licence: licenceConfig.optional(),
  /** a one-time login link in the mail; `url` is where the seller's app takes the ticket */
  login: z.object({ url: httpUrl.optional(), valid_days: z.int().min(1).max(90).default(14) }).optional(),
  /** a link with an end to the uploaded file, or to `url` */
  download: z.object({ url: httpUrl.optional(), valid_days: z.int().min(1).max(3650).default(30) }).optional(),
  mails: z.partialRecord(z.enum(mailKinds), mailConfig).default({}),
  /** our products that end in the instant this one begins (an upgrade) */
  replaces: z.array(z.uuid()).max(50).default([]),
  settings: someRuleSettings.default({}),
});

export type FeatureConfig = z.infer<typeof featureConfig>;
export type ProductConfig = z.infer<typeof productConfig>;
export type Product = { readonly id: string; readonly name: string; readonly config: ProductConfig };
