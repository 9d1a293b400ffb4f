import { plainAnswer } from "../plain-answer.ts";
import type { Answer, Outcome } from "../protocol.ts";

/**
 * Any 2xx is a success, the body is ignored. Where the seller chose "repeat until success" all else comes again every three
 * hours for a day, otherwise never.
 * Source: ablefy help, webhooks
 */
export function answer(outcome: Outcome): Answer {
  return plainAnswer(outcome);
}
