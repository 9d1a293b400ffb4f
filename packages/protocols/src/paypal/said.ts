import { id, type Unreadable, type Values } from "../values.ts";
import { type Instant, parseInstant } from "../domain/day.ts";
import type { Buyer, Fact } from "../domain/fact.ts";
import type { Known } from "../protocol.ts";

/** What a message says of an order, whichever of PayPal's ids it knows it by. */
export type Saying =
  | {
      readonly ok: true;
      readonly orderId?: string;
      readonly aliases: readonly (string | undefined)[];
      /** absent: the message opens no order */
      readonly buyer?: Buyer;
      readonly facts: readonly Fact[];
    }
  | Unreadable;

/** One message, and what was fetched beside it. */
export type Message = {
  /** the same on every repeat */
  readonly id: string;
  readonly resource: Values;
  readonly at: Instant | undefined;
  readonly known: Known | undefined;
  /** the person was taken out of it, and what was fetched must not bring him back */
  readonly redacted: boolean;
};

export const silence: Saying = { ok: true, aliases: [], facts: [] };

export function instantOf(value: unknown): Instant | undefined {
  return parseInstant(value, "UTC");
}

/** As a part of a fact. */
export function happened(at: Instant | undefined): { readonly happenedAt?: Instant } {
  return at === undefined ? {} : { happenedAt: at };
}

export function resourceId({ resource }: Message): string | undefined {
  return id(resource["id"]);
}
