import { plainAnswer } from "../plain-answer.ts";
import type { Answer, Outcome } from "../protocol.ts";

/**
 * CopeCart counts a notification as delivered when the status is 200 and the body is the two bytes `OK`.
 * Everything else, 4xx included, is repeated ten times within three hours.
 * Source: CopeCart "IPN" 1.6.7, answer
 */
export function answer(outcome: Outcome): Answer {
  return plainAnswer(outcome);
}
