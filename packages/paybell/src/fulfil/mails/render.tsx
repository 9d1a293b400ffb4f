import { html } from "hono/html";
import type { MailContent, RenderedMail } from "../../domain/mail.ts";
import { type Composed, compose } from "./blocks.ts";
import { MailDocument } from "./components.tsx";
import { plainText } from "./plain-text.ts";

/** Writes a buyer's mail. Pure: the same content gives the same mail, byte for byte. */
export function renderMail(content: MailContent): RenderedMail {
  return writeMail(compose(content));
}

/** Both parts of a mail, from the same blocks. */
export function writeMail(mail: Composed): RenderedMail {
  const document = html`<!doctype html>${<MailDocument mail={mail} />}`;
  if (document instanceof Promise) throw new Error("A mail's components must not wait for anything.");
  return { subject: mail.subject, html: document.toString(), text: plainText(mail) };
}
