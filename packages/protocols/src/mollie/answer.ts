import { plainAnswer } from "../plain-answer.ts";
import type { Answer, Outcome } from "../protocol.ts";

/**
 * Any 2xx ends Mollie's repeats, everything else is called again up to ten times within 26 hours. A classic call is
 * kept before anybody is asked, so an unknown id is answered exactly like a known one, and guessing tells nothing.
 * Source: Mollie "Webhooks", retry schema
 */
export function answer(outcome: Outcome): Answer {
  return plainAnswer(outcome);
}
