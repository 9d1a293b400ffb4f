import { plainAnswer } from "../plain-answer.ts";
import type { Answer, Outcome } from "../protocol.ts";

/**
 * Any 2xx counts as delivered; everything else is sent again, on a schedule ThriveCart does not publish.
 * Source: ThriveCart "Using webhook notifications"
 */
export function answer(outcome: Outcome): Answer {
  return plainAnswer(outcome);
}
