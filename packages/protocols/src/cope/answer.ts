import { plainAnswer } from "../plain-answer.ts";
import type { Answer, Outcome } from "../protocol.ts";

/**
 * Any 2xx is a success. A 4xx is final by COPE's sample application, a 5xx comes again with growing delay: so what could
 * not be stored is never answered with 4xx.
 * Source: docs.cope.com, webhooks; sample application
 */
export function answer(outcome: Outcome): Answer {
  return plainAnswer(outcome);
}
