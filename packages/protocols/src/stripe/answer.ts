import { plainAnswer } from "../plain-answer.ts";
import type { Answer, Outcome } from "../protocol.ts";

/**
 * Any 2xx is a delivery; everything else is repeated for up to three days, a redirection too.
 * Source: Stripe, webhooks, "Event delivery behaviors"
 */
export function answer(outcome: Outcome): Answer {
  return plainAnswer(outcome);
}
