import type { Instant } from "../domain/day.ts";
import type { PaymentData } from "../domain/payment.ts";
import type { Format } from "../format.ts";
import { newPassphrase, passphraseFault } from "../passphrase.ts";
import { secretInTurn } from "../turn.ts";
import { messageOf } from "./message.ts";
import { occasions } from "./occasions.ts";
import { render } from "./render.ts";
import { sign } from "./sign.ts";

/**
 * Payment events as CopeCart's IPN sends them: a receiver written for CopeCart cannot tell the difference.
 * Source: CopeCart "IPN" 1.6.7
 */
export const copecartFormat: Format = {
  name: "copecart",
  events: [...occasions.keys(), "order.cancelled"],
  schedule: "copecart",
  newSecret: newPassphrase,
  secretFault: (secret) => passphraseFault(secret, 255),

  render(event, { money = "text", missing = "null" }) {
    const message = messageOf(event);
    return message && render(message, { money, missing });
  },

  async sign(body, attempt) {
    return {
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "Copecart",
        "X-Copecart-Signature": await sign(body, secretInTurn(attempt)),
      },
      body,
    };
  },

  // Status 200 and a body of `OK`. White space around it is what a script's closing tag leaves behind.
  accepts: ({ status, body }) => status === 200 && /^[ \t\r\n]*OK[ \t\r\n]*$/.test(body),

  sample: (at) => ({ type: "payment.made", data: JSON.stringify(testOrder(at)) }),
};

/** What the vendor's own test order looks like; everybody in it is invented. */
function testOrder(at: Instant): PaymentData {
  const now = new Date(at).toISOString();
  return {
    order_id: "TestOrdr",
    ordered_at: now,
    // 16 hex digits, another one for every test: a receiver that knows a transaction does nothing.
    transaction_id: Math.floor(at).toString(16).padStart(16, "0"),
    product: { id: "7e57ab1e", name: "Test" },
    quantity: 1,
    buyer: { email: "test@example.com", first_name: "Testkauf", last_name: "Verkäufer", country: "DE" },
    amount: { minor: 11_900, currency: "EUR" },
    tax_minor: 1_900,
    plan: { kind: "once" },
    rate: 1,
    happened_at: now,
    test: true,
  };
}
