import { type PaymentData, type PaymentEvent, paymentEvents } from "./domain/payment.ts";
import type { Outgoing } from "./format.ts";

/**
 * The data of an event about money or an order.
 * @returns undefined for events of other kinds
 * @throws when the data is not JSON: it was printed by us
 */
export function paymentOf(
  event: Outgoing,
): { readonly type: PaymentEvent; readonly data: PaymentData; readonly test: boolean } | undefined {
  const { type } = event;
  if (!isPaymentEvent(type)) return undefined;
  const data: PaymentData = JSON.parse(event.data);
  return { type, data, test: event.test || data.test };
}

function isPaymentEvent(type: string): type is PaymentEvent {
  return (paymentEvents as readonly string[]).includes(type);
}
