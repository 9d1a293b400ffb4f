import { html } from "hono/html";
import type { Language, RenderedMail } from "../domain/mail.ts";
import { oneLine } from "./mails/clean.ts";
import { MailDocument } from "./mails/components.tsx";
import { formatInstant } from "./mails/format.ts";
import { plainText } from "./mails/plain-text.ts";
import { german } from "./mails/texts-de.ts";
import { english } from "./mails/texts-en.ts";
import type { MadeLink } from "./links.ts";

export type LoginMailContent = {
  readonly language: Language;
  readonly shop: string;
  readonly product: string;
  readonly timeZone: string;
  readonly login: MadeLink;
};

/** The login link somebody asked for, and nothing else. */
export function loginMail({ language, shop, product, timeZone, login }: LoginMailContent): RenderedMail {
  const texts = language === "de" ? german : english;
  const words = own[language];
  const name = oneLine(shop, 120);
  const text = words.text(oneLine(product, 120));
  const mail = {
    language,
    subject: words.subject(name),
    preview: text,
    shop: name,
    blocks: [
      { type: "heading" as const, text: words.heading },
      { type: "paragraph" as const, text },
      {
        type: "button" as const,
        label: texts.login.button,
        shown: login.url,
        address: login.url,
        note: texts.login.note(formatInstant(login.validUntil, language, timeZone)),
      },
      { type: "code" as const, label: texts.login.code, value: login.code, note: texts.login.codeNote },
      { type: "paragraph" as const, text: words.ignore },
    ],
    footer: texts.footer(name),
  };
  const document = html`<!doctype html>${<MailDocument mail={mail} />}`;
  if (document instanceof Promise) throw new Error("A mail's components must not wait for anything.");
  return {
    subject: mail.subject,
    html: document.toString(),
    text: plainText(mail),
  };
}

const own = {
  en: {
    subject: (shop: string) => `Your login link for ${shop}`,
    heading: "Your new login link",
    text: (product: string) => `Here is the login link for “${product}” you asked for.`,
    ignore: "If it was not you, there is nothing to do: without this mail nobody gets in.",
  },
  de: {
    subject: (shop: string) => `Ihr Anmeldelink für ${shop}`,
    heading: "Ihr neuer Anmeldelink",
    text: (product: string) => `Hier ist der angeforderte Anmeldelink für „${product}“.`,
    ignore: "Waren Sie das nicht, ist nichts zu tun: Ohne diese E-Mail kommt niemand hinein.",
  },
} as const;
