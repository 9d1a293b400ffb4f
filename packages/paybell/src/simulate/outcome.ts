import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { ApiClient } from "./api-client.ts";

/** What a buyer may use, in the API's own words. */
export type Opened = z.infer<typeof entitlement>;

const entitlement = z.object({
  feature: z.string(),
  allowed: z.boolean(),
  state: z.string(),
  until: z.string().nullable(),
  sentence: z.string(),
});

export type SentMail = z.infer<typeof mail>;

const mail = z.object({
  id: z.string(),
  kind: z.string(),
  to: z.string().nullable(),
  intended_for: z.string().nullable(),
  subject: z.string().nullable(),
  state: z.string(),
  order_id: z.string().nullable(),
});

export type Announced = z.infer<typeof event>;

const event = z.object({
  id: z.string(),
  type: z.string(),
  at: z.string(),
  data: z.object({ email: z.string().nullish(), feature: z.string().optional(), until: z.string().nullish() }),
});

export type Mode = "live" | "test";

/** All features of a buyer, as they are now. */
export async function accessOf(api: ApiClient, email: string, mode: Mode): Promise<readonly Opened[]> {
  const query = `email=${encodeURIComponent(email)}&mode=${mode}`;
  const { data } = await api.get(`/v1/access?${query}`, z.object({ data: z.array(entitlement) }));
  return data;
}

/** The mails of an order, oldest first, once none of them is still on its way; waits for at most `patienceMs`. */
export async function mailsOf(
  api: ApiClient,
  orderId: string,
  mode: Mode,
  patienceMs: number,
): Promise<readonly SentMail[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const mails = await latestMails(api, `order_id=${encodeURIComponent(orderId)}&mode=${mode}`);
    const settled = mails.every(({ state }) => state !== "due" && state !== "sending");
    if (settled || performance.now() > deadline) return mails;
    await delay(50);
  }
}

/** Oldest first, at most 200. */
export async function latestMails(api: ApiClient, query: string): Promise<readonly SentMail[]> {
  const { data } = await api.get(`/v1/mails?limit=200&${query}`, z.object({ data: z.array(mail) }));
  return data.toReversed();
}

/** What was announced, oldest first, at most 200. */
export async function latestEvents(api: ApiClient): Promise<readonly Announced[]> {
  const { data } = await api.get("/v1/events?limit=200", z.object({ data: z.array(event) }));
  return data.toReversed();
}
