/** A payment as a platform publishes it; what a test does not name is as of a one-time sale of 97.00. */
export function payment(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    type: "payment.made",
    order_id: "A1B2C3D4",
    transaction_id: "t-1",
    product: { id: "4be81c07", name: "Video course" },
    buyer: { email: "kim@example.com", first_name: "Kim", country: "DE" },
    amount: { minor: 9700, currency: "EUR" },
    plan: { kind: "once" },
    happened_at: "2026-03-01T09:00:00Z",
    ...fields,
  };
}
