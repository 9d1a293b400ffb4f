import type { Protocol } from "../protocol.ts";
import { answer } from "./answer.ts";
import { parse } from "./parse.ts";
import { redact } from "./redact.ts";
import { verify } from "./verify.ts";

/**
 * Stripe's webhooks, of every API version to 2026-10-28.endive. What an endpoint has to send: `checkout.session.completed`
 * and its two `async_payment_…`, `invoice.paid`, `invoice.payment_failed`, `invoice_payment.paid`,
 * `customer.subscription.created`, `.updated` and `.deleted`, `charge.refunded` or `refund.created`, `.updated` and
 * `.failed`, `charge.dispute.created`, `.updated` and `.closed`. What else it sends does no harm.
 * Source: Stripe, webhooks and API reference
 */
export const stripe: Protocol = {
  name: "stripe",
  secretBy: "provider",
  options: [
    {
      name: "api_key",
      required: false,
      secret: true,
      description:
        "A restricted API key of Stripe (rk_…, Developers, API keys) that may read Checkout Sessions, products and invoices: with it a checkout's products and a refund's invoice are known, which Stripe's messages leave out.",
    },
  ],
  verify,
  parse,
  answer,
  redact,
};
