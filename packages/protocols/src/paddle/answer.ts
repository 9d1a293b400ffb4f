import { plainAnswer } from "../plain-answer.ts";
import type { Answer, Outcome } from "../protocol.ts";

/**
 * Paddle counts a 2xx within 5 seconds. Everything else is repeated, 60 times within 3 days (sandbox: 3 times within
 * 15 minutes).
 * Source: Paddle Billing, webhooks, "Respond to webhooks"
 */
export function answer(outcome: Outcome): Answer {
  return plainAnswer(outcome);
}
