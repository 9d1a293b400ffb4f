import type { Unreadable } from "../values.ts";
import type { Fact } from "../domain/fact.ts";

/** What a message says of an order, whichever of PayPal's ids it knows it by. */
export type Said = {
  /** absent: the message opens no order, and finds it by `aliases` */
  readonly orderId?: string;
  readonly aliases: readonly (string | undefined)[];
  readonly facts: readonly Fact[];
};

export type Saying = ({ readonly ok: true } & Said) | Unreadable;
