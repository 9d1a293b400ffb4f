import type { Answer, Outcome } from "../protocol.ts";

/**
 * PayPal wants a 200 with an empty body; whatever else comes is sent again, up to 15 times in 4 days. So a message that was
 * refused for a setting (another receiver) comes again, and is taken once the setting is right.
 * Source: PayPal "Instant Payment Notification", IPN protocol and retries
 */
export function answer(outcome: Outcome): Answer {
  switch (outcome) {
    case "stored":
      return { status: 200, headers: {}, body: "" };
    case "refused":
      return { status: 403, headers: {}, body: "" };
    case "unavailable":
      return { status: 503, headers: {}, body: "" };
    default:
      return outcome satisfies never;
  }
}
