import type { Instant } from "@paybell/protocols/domain/day";
import type { Checkout, Happening } from "./happening.ts";
import { copecartVoice } from "./voices/copecart.ts";

/** A notification as the provider prints it; the same bytes on every repeat. */
export type Telling = { readonly event: string; readonly body: Uint8Array<ArrayBuffer> };

/** How one provider tells what happens: its format, its signature, what it takes for an answer, how it repeats. */
export type Voice = {
  /** as connections name it */
  readonly protocol: string;
  /** as people name it */
  readonly title: string;
  /** its own number of the order */
  orderId(order: Checkout): string;
  /** none: it has no words for this */
  tell(order: Checkout, happening: Happening): readonly Telling[];
  /** of one attempt, signature and all */
  headers(telling: Telling, secret: string, at: Instant): Promise<Readonly<Record<string, string>>>;
  /** does this answer count as delivered? */
  accepts(status: number, answer: string): boolean;
  /** what it wants, in words */
  readonly wants: string;
  /** milliseconds before each repeat */
  readonly repeats: readonly number[];
};

/** Every provider that can be simulated, as it speaks unless it is told otherwise. */
export const voices: readonly Voice[] = [copecartVoice()];
