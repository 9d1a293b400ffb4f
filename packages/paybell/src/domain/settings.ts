import { z } from "zod";

/**
 * The house rules' numbers. An account may change each, a product may change those of its own.
 * Defaults: docs/rules.md
 */
export const ruleSettings = z.object({
  /** days a running plan keeps access after its due date, through the end of that day */
  grace_days: z.int().min(0).max(90),
  /** hours after a trial for the first charge to arrive */
  trial_grace_hours: z.int().min(0).max(720),
  /** one-time sale: ISO 8601 duration of the access; without it there is no end */
  duration: z
    .string()
    .max(20)
    .regex(/^P(?=\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?$/, "an ISO 8601 duration of days or more, such as P1Y or P90D"),
  /** how often the plan is charged, where the provider does not say */
  interval: z.enum(["daily", "weekly", "biweekly", "monthly", "quarterly", "half_yearly", "yearly"]),
  /** how the item is paid, whatever the provider says */
  plan: z.enum(["once", "subscription", "instalments"]),
  /** access already while the payment is only pending */
  access_on_pending: z.boolean(),
});

export const someRuleSettings = ruleSettings.partial();

export type RuleSettings = z.infer<typeof someRuleSettings>;

export const accountSettings = ruleSettings
  .pick({ grace_days: true, trial_grace_hours: true })
  .extend({
    /** hours an old secret stays valid after rotation */
    secret_overlap_hours: z.int().min(0).max(720),
    /** IANA zone in which days are days */
    time_zone: z.string().max(64).refine(isTimeZone, "an IANA time zone such as Europe/Berlin"),
    /** who gets the alarms */
    operator_email: z.email().max(254),
    /** sender of all mail, such as `Shop <hello@shop.example>` */
    mail_from: z.string().max(254),
    /** who gets the mails of test orders; without it they are only shown */
    test_email: z.email().max(254),
    /** language of mails where neither the buyer's language nor country decides */
    language: z.enum(["de", "en"]),
    /** warn when a key pool has no more than this many keys left */
    key_pool_warning: z.int().min(0).max(100_000),
    /** days for which events, deliveries, mails and attempts are kept; what exists keeps its own */
    retention_days: z.int().min(30).max(400),
  })
  .partial();

export type AccountSettings = z.infer<typeof accountSettings>;

export const defaults = {
  grace_days: 7,
  trial_grace_hours: 48,
  secret_overlap_hours: 24,
  language: "en",
  key_pool_warning: 5,
} as const;

/** Days for which events, deliveries, mails and attempts are kept. */
export const defaultRetentionDays = 90;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
