import type { Answer, Outcome } from "../protocol.ts";

/**
 * Paddle counts a 2xx within 5 seconds. Everything else is repeated, 60 times within 3 days (sandbox: 3 times within
 * 15 minutes).
 * Source: Paddle Billing, webhooks, "Respond to webhooks"
 */
export function answer(outcome: Outcome): Answer {
  switch (outcome) {
    case "stored":
      return text(200, "OK");
    case "refused":
      return text(401, "refused");
    case "unavailable":
      return text(503, "unavailable");
    default:
      return outcome satisfies never;
  }
}

function text(status: number, body: string): Answer {
  return { status, headers: { "content-type": "text/plain" }, body };
}
