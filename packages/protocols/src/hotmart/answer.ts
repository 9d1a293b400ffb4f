import { plainAnswer } from "../plain-answer.ts";
import type { Answer, Outcome } from "../protocol.ts";

/** Any 2xx is a success. What failed is shown in Hotmart's history for 60 days and can be sent again from there. */
export function answer(outcome: Outcome): Answer {
  return plainAnswer(outcome);
}
