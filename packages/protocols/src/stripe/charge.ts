import type { Values } from "../values.ts";
import { objectIn, refIn, type StripeEvent } from "./event.ts";

/** Which payment money went back of, as far as it is known. */
export type Origin = {
  readonly aliases: readonly (string | undefined)[];
  /** transaction of the payment: the invoice's id, or the payment intent's where there is no invoice */
  readonly payment?: string;
};

/**
 * The payment behind a refund, a dispute or a refunded charge. Before basil the charge names its invoice, `null` where it
 * has none. Since then nothing does, and it is known where Stripe was asked; otherwise the order's payments are compared.
 * @param told the payments of invoices made with this payment intent; undefined where Stripe was not asked
 */
export function originOf({ object }: StripeEvent, told: readonly Values[] | undefined): Origin {
  const charge = chargeOf(object);
  const chargeId = refIn(charge, "id") ?? refIn(object, "charge");
  const intent = refIn(object, "payment_intent") ?? refIn(charge, "payment_intent");
  const invoice =
    refIn(charge, "invoice") ?? told?.map((entry) => refIn(entry, "invoice")).find((one) => one !== undefined);
  const without = told !== undefined || charge["invoice"] === null;
  const payment = invoice ?? (without ? (intent ?? chargeId) : undefined);
  return { aliases: [chargeId, intent, invoice], ...(payment !== undefined && { payment }) };
}

/** Whether the invoice behind it has to be asked for. */
export function lacksInvoice({ type, object }: StripeEvent): boolean {
  const goesBack = type === "charge.refunded" || /^(refund|charge\.refund|charge\.dispute)\./.test(type);
  const charge = chargeOf(object);
  return goesBack && refIn(charge, "invoice") === undefined && charge["invoice"] !== null;
}

function chargeOf(object: Values): Values {
  return object["object"] === "charge" ? object : objectIn(object, "charge");
}
