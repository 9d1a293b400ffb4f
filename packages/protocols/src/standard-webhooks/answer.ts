import { plainAnswer } from "../plain-answer.ts";
import type { Answer, Outcome } from "../protocol.ts";

/**
 * Any 2xx is delivered. Never 410, which switches the sender off for good.
 * Source: Standard Webhooks 1.0.0, "Response"
 */
export function answer(outcome: Outcome): Answer {
  return plainAnswer(outcome);
}
