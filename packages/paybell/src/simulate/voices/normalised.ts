import type { PaymentData, PaymentEvent } from "@paybell/protocols/domain/payment";
import type { Format } from "@paybell/protocols/format";
import { newId } from "../../domain/id.ts";
import type { Checkout, Happening } from "../happening.ts";
import type { Voice } from "../voice.ts";

/** A provider whose format we also send in: what happens, in our own words, rendered by it. */
export function formatVoice(
  format: Format,
  how: Pick<Voice, "title" | "wants" | "repeats"> & { eventOf(body: Uint8Array): string },
): Voice {
  return {
    protocol: format.name,
    title: how.title,
    wants: how.wants,
    repeats: how.repeats,
    secretFor: (text) => text,
    productId: (article) => article.id,
    orderId: (order) => order.orderId,
    tell(order, happening) {
      const type = eventTypes[happening.kind];
      const id = newId(happening.at);
      const data = JSON.stringify(paymentOf(order, happening));
      const body =
        type &&
        format.render({ id, type, at: happening.at, test: order.test, data }, { money: "text", missing: "null" });
      return body ? [{ id, event: how.eventOf(body), body }] : [];
    },
    sign({ id, body }, secret, at) {
      return format.sign(body, { id: id ?? "", at, number: 1, secrets: [secret] });
    },
    accepts: (status, body) => format.accepts({ status, body }),
  };
}

const eventTypes: Readonly<Record<Happening["kind"], PaymentEvent | undefined>> = {
  payment: "payment.made",
  payment_failed: "payment.failed",
  refund: "payment.refunded",
  dispute_opened: "payment.disputed",
  dispute_won: "payment.dispute_won",
  dispute_lost: "payment.dispute_lost",
  trial: "order.trial_started",
  cancelled: "order.cancelled",
  announced: undefined,
};

function paymentOf(order: Checkout, { article, ...happening }: Happening): PaymentData {
  const { plan } = article;
  const movesMoney = happening.kind !== "cancelled" && happening.kind !== "trial";
  return {
    order_id: order.orderId,
    ordered_at: new Date(order.at).toISOString(),
    transaction_id: movesMoney ? happening.transactionId : null,
    parent_transaction_id: happening.paymentId ?? null,
    product: { id: article.id, name: article.name },
    quantity: 1,
    buyer: {
      email: order.email,
      id: order.buyerId,
      first_name: order.person.first,
      last_name: order.person.last,
      country: "DE",
      language: "de",
    },
    amount: movesMoney ? { minor: happening.cents ?? article.cents, currency: "EUR" } : null,
    plan: {
      kind: plan.kind,
      interval: plan.kind === "once" ? null : { unit: "month", count: 1 },
      total: plan.kind === "instalments" ? plan.total : null,
    },
    rate: movesMoney ? (happening.rate ?? 1) : null,
    next_payment_at: happening.next ?? null,
    ends_at: happening.cancelledFor ?? (happening.kind === "trial" ? (happening.next ?? null) : null),
    payment_method: "credit_card",
    happened_at: new Date(happening.at).toISOString(),
    test: order.test,
  };
}
