import type { Answer, Outcome } from "../protocol.ts";

/**
 * Lemon Squeezy counts exactly 200, no other 2xx. Otherwise it tries three more times within minutes, then never again.
 * Source: Lemon Squeezy, webhooks, "Webhook requests"
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
