import { plainAnswer } from "../plain-answer.ts";
import type { Answer, Outcome } from "../protocol.ts";

/**
 * Lemon Squeezy counts exactly 200, no other 2xx. Otherwise it tries three more times within minutes, then never again.
 * Source: Lemon Squeezy, webhooks, "Webhook requests"
 */
export function answer(outcome: Outcome): Answer {
  return plainAnswer(outcome);
}
