import type { Answer, Outcome } from "../protocol.ts";

/**
 * Any 2xx will do; whatever else comes is sent again, up to 25 times in three days. So a message that was refused for a
 * setting comes again, and is taken once the setting is right.
 * Source: PayPal "Webhooks", responses and retries
 */
export function answer(outcome: Outcome): Answer {
  switch (outcome) {
    case "stored":
      return { status: 200, headers: {}, body: "" };
    case "refused":
      return { status: 401, headers: {}, body: "" };
    case "unavailable":
      return { status: 503, headers: {}, body: "" };
    default:
      return outcome satisfies never;
  }
}
