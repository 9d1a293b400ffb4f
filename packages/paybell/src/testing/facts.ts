import type { Day, When } from "@paybell/protocols/domain/day";
import type { Plan } from "@paybell/protocols/domain/fact";
import type { Currency } from "@paybell/protocols/domain/money";
import type { LedgerFact } from "../ledger/ledger-fact.ts";
import { berlin } from "./shop.ts";

export const euro = (major: number) => ({ minor: BigInt(Math.round(major * 100)), currency: "EUR" as Currency });
export const day = (text: string): When => ({ day: text as Day });
export const monthly: Plan = { kind: "subscription", interval: { unit: "month", count: 1 } };
export const thirds: Plan = { kind: "instalments", interval: { unit: "month", count: 1 }, total: 3, agreed: euro(597) };
export const settings = { zone: "Europe/Berlin", rules: {} };

type Given = Partial<LedgerFact> & {
  readonly kind: LedgerFact["kind"];
  readonly on: string;
  readonly arrived?: string;
} & Record<string, unknown>;

/** A fact of product "p" that happened and (unless told otherwise) arrived on a Berlin clock time. */
export function fact({ on, arrived, ...body }: Given): LedgerFact {
  const transaction = typeof body.transactionId === "string" ? body.transactionId : "";
  const dated = body.kind === "cancelled" || body.kind.startsWith("dispute");
  const identity = `${body.kind}:${transaction}:${dated ? on : ""}`;
  return {
    productId: "p",
    identity,
    id: identity,
    happenedAt: berlin(on),
    arrivedAt: berlin(arrived ?? on),
    notificationId: null,
    ...(body.kind === "payment" && { amount: euro(29) }),
    ...body,
  } as LedgerFact;
}
