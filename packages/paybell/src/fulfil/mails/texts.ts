import type { MailKind } from "../../domain/product.ts";

/** What a text may name: everything is cleaned, formatted and ready to print. */
export type Words = {
  readonly product: string;
  readonly shop: string;
  readonly amount?: string;
  /** null: no end */
  readonly until?: { readonly text: string; readonly wholeDay: boolean } | null;
  readonly paidThrough?: string;
  readonly rates?: { readonly paid: number; readonly total: number };
  readonly pausedBecause?: "unpaid" | "dispute";
  readonly accessRemains?: boolean;
};

/** One mail's own words; an empty paragraph is left out. */
export type Letter = { readonly subject: string; readonly heading: string; readonly paragraphs: readonly string[] };

/** One language, complete: a missing text stops the build. */
export type Texts = {
  readonly greeting: (firstName: string) => string;
  readonly letters: { readonly [kind in MailKind]: (words: Words) => Letter };
  readonly login: {
    readonly button: string;
    readonly note: (validUntil: string) => string;
    readonly code: string;
    readonly codeNote: string;
  };
  readonly licence: {
    readonly label: string;
    readonly follows: string;
    readonly followsNote: string;
    readonly activations: (machines: number) => string;
  };
  readonly download: { readonly button: string; readonly note: (validUntil: string) => string };
  readonly rows: {
    readonly product: string;
    readonly order: string;
    readonly amount: string;
    readonly refundedAmount: string;
    readonly until: string;
    readonly trialUntil: string;
    readonly paidThrough: string;
    readonly rates: string;
    readonly ratesOf: (paid: number, total: number) => string;
  };
  readonly noEnd: string;
  readonly footer: (shop: string) => string;
};
