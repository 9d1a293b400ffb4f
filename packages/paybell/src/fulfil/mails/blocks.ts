import type { Language, MailContent } from "../../domain/mail.ts";
import { greetable, oneLine, paragraphsOf, webAddress } from "./clean.ts";
import { fillPlaceholders } from "./fill.ts";
import { formatEnd, formatInstant, formatMoney, formatDay } from "./format.ts";
import { german } from "./texts-de.ts";
import { english } from "./texts-en.ts";
import type { Texts, Words } from "./texts.ts";

/** What a mail is made of. Both of its parts, HTML and plain text, are written from the same blocks. */
export type Block =
  | { readonly type: "heading"; readonly text: string }
  | { readonly type: "paragraph"; readonly text: string }
  /** `address` is undefined when what we were given is none: then it is shown, not linked */
  | {
      readonly type: "button";
      readonly label: string;
      readonly shown: string;
      readonly address: string | undefined;
      readonly note: string;
    }
  | { readonly type: "code"; readonly label: string; readonly value: string; readonly note: string }
  | { readonly type: "notice"; readonly label: string; readonly note: string }
  | { readonly type: "rows"; readonly rows: readonly (readonly [label: string, value: string])[] };

export type Composed = {
  readonly language: Language;
  readonly subject: string;
  /** what an inbox shows beside the subject */
  readonly preview: string;
  readonly shop: string;
  readonly blocks: readonly Block[];
  readonly footer: string;
};

/** The words and the data of one mail, cleaned and formatted, still without a look. */
export function compose(content: MailContent): Composed {
  const texts = catalogues[content.language];
  const words = wordsOf(content);
  const letter = texts.letters[content.kind](words);
  const own = ownWords(content, words, texts);
  const opening = own.paragraphs ?? [
    texts.greeting(greetable(content.buyer.firstName)),
    ...letter.paragraphs.filter((text) => text !== ""),
  ];
  const blocks: Block[] = [
    ...(own.paragraphs ? [] : [{ type: "heading" as const, text: letter.heading }]),
    ...opening.map((text) => ({ type: "paragraph" as const, text })),
    ...dataBlocks(content, texts),
    { type: "rows", rows: rowsOf(content, words, texts) },
  ];
  return {
    language: content.language,
    subject: oneLine(own.subject ?? letter.subject, 200),
    preview: oneLine((own.paragraphs ?? letter.paragraphs).join(" "), 140),
    shop: words.shop,
    blocks,
    footer: texts.footer(words.shop),
  };
}

const catalogues: { readonly [language in Language]: Texts } = { de: german, en: english };

function wordsOf(content: MailContent): Words {
  const { language, timeZone, until, amount } = content;
  return {
    product: oneLine(content.product.name, 120),
    shop: oneLine(content.shop.name, 120),
    ...(amount && { amount: formatMoney(content.kind === "refunded" ? positive(amount) : amount, language) }),
    ...(until !== undefined && { until: until && formatEnd(until, language, timeZone) }),
    ...(content.paidThrough && { paidThrough: formatDay(content.paidThrough, language) }),
    ...(content.rates && { rates: content.rates }),
    ...(content.pausedBecause && { pausedBecause: content.pausedBecause }),
    ...(content.accessRemains !== undefined && { accessRemains: content.accessRemains }),
  };
}

/** The seller's own subject and text for this product, kind and language, where there are any. */
function ownWords(
  content: MailContent,
  words: Words,
  texts: Texts,
): { subject?: string; paragraphs?: readonly string[] } {
  const override = content.product.mails[content.kind];
  const own = override ? override[content.language] : undefined;
  if (!own) return {};
  const values = {
    first_name: greetable(content.buyer.firstName),
    product: words.product,
    order: oneLine(content.orderId, 100),
    until: words.until === null ? texts.noEnd : (words.until?.text ?? ""),
    amount: words.amount ?? "",
  };
  const subject = oneLine(fillPlaceholders(own.subject ?? "", values), 200);
  const paragraphs = paragraphsOf(fillPlaceholders(own.text ?? "", values));
  return { ...(subject && { subject }), ...(paragraphs.length > 0 && { paragraphs }) };
}

/** What the buyer came for. No text of the seller's can push it out of the mail. */
function dataBlocks({ login, licence, download, language, timeZone }: MailContent, texts: Texts): Block[] {
  const blocks: Block[] = [];
  if (login) {
    const note = texts.login.note(formatInstant(login.validUntil, language, timeZone));
    blocks.push(button(texts.login.button, login.url, note), {
      type: "code",
      label: texts.login.code,
      value: oneLine(login.code, 100),
      note: texts.login.codeNote,
    });
  }
  if (licence?.key === null) {
    blocks.push({ type: "notice", label: texts.licence.follows, note: texts.licence.followsNote });
  } else if (licence) {
    const note = licence.activations === undefined ? "" : texts.licence.activations(licence.activations);
    blocks.push({ type: "code", label: texts.licence.label, value: oneLine(licence.key, 1000), note });
  }
  if (download) {
    const note = texts.download.note(formatInstant(download.validUntil, language, timeZone));
    blocks.push(button(texts.download.button, download.url, note));
  }
  return blocks;
}

function button(label: string, url: string, note: string): Block {
  const address = webAddress(url);
  return { type: "button", label, shown: address ?? oneLine(url, 2000), address, note };
}

function rowsOf(content: MailContent, words: Words, texts: Texts): (readonly [string, string])[] {
  const { rows } = texts;
  const list: (readonly [string, string])[] = [
    [rows.product, words.product],
    [rows.order, oneLine(content.orderId, 100)],
  ];
  if (words.amount) list.push([content.kind === "refunded" ? rows.refundedAmount : rows.amount, words.amount]);
  if (words.rates) list.push([rows.rates, rows.ratesOf(words.rates.paid, words.rates.total)]);
  const ended = content.accessRemains === false || content.kind === "access_paused";
  if (words.paidThrough && !ended) list.push([rows.paidThrough, words.paidThrough]);
  // While a plan runs, its end is the last of the days granted for a late payment. They are a courtesy to fall back on,
  // not a date to plan with, so such a mail names only how far is paid.
  const runs = words.paidThrough !== undefined && runningKinds.has(content.kind) && words.until !== null;
  if (words.until !== undefined && !ended && !runs) {
    list.push([content.kind === "trial" ? rows.trialUntil : rows.until, words.until?.text ?? texts.noEnd]);
  }
  return list;
}

const runningKinds: ReadonlySet<string> = new Set(["access_data", "licence_key", "renewal", "access_back", "refunded"]);

function positive<M extends { readonly minor: bigint }>(money: M): M {
  return money.minor < 0n ? { ...money, minor: -money.minor } : money;
}
