import type { Instant } from "@paybell/protocols/domain/day";
import type { Signed } from "@paybell/protocols/format";
import type { Article } from "./catalogue.ts";
import type { Checkout, Happening } from "./happening.ts";
import { copeVoice } from "./voices/cope.ts";
import { copecartVoice } from "./voices/copecart.ts";
import { digistore24Voice } from "./voices/digistore24.ts";
import { hotmartVoice } from "./voices/hotmart.ts";
import { lemonsqueezyVoice } from "./voices/lemonsqueezy.ts";
import { paddleVoice } from "./voices/paddle.ts";
import { stripeVoice } from "./voices/stripe.ts";

/** A notification as the provider prints it; the same on every repeat. */
export type Telling = {
  /** the provider's own name for it */
  readonly event: string;
  /** of the notification, where the provider gives it one outside the body */
  readonly id?: string;
  readonly body: Uint8Array<ArrayBuffer>;
};

/** How one provider tells what happens: its format, its signature, what it takes for an answer, how it repeats. */
export type Voice = {
  /** as connections name it */
  readonly protocol: string;
  /** as people name it */
  readonly title: string;
  /** a secret as this provider has them, which follows from the text */
  secretFor(text: string): string;
  /** its messages do not mark a test: those of its test mode go to a connection of their own */
  readonly testsApart?: true;
  /** its own number of the product */
  productId(article: Article): string;
  /** its own number of the order this happens to: where it has none for a whole checkout, each part is an order */
  orderId(order: Checkout, happening: Happening): string;
  /** none: it has no words for this */
  tell(order: Checkout, happening: Happening): readonly Telling[];
  /** one attempt, signature and all */
  sign(telling: Telling, secret: string, at: Instant): Promise<Signed>;
  /** does this answer count as delivered? */
  accepts(status: number, answer: string): boolean;
  /** what it wants, in words */
  readonly wants: string;
  /** milliseconds before each repeat */
  readonly repeats: readonly number[];
};

/** Every provider that can be simulated, as it speaks unless it is told otherwise. */
export const voices: readonly Voice[] = [
  copecartVoice(),
  digistore24Voice,
  copeVoice,
  stripeVoice,
  paddleVoice,
  lemonsqueezyVoice,
  hotmartVoice,
];
