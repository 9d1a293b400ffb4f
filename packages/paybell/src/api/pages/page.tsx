import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import type { Child } from "hono/jsx";
import type { Language } from "../../domain/mail.ts";

export type Page = {
  readonly status: number;
  readonly language: Language;
  /** null: we do not know whose link it was meant to be */
  readonly shop: string | null;
  readonly heading: string;
  readonly paragraphs: readonly string[];
  /** a form: nothing happens before somebody presses it */
  readonly button?: { readonly label: string; readonly action: string; readonly quiet?: boolean };
  /** the form's answer may lead to other hosts */
  readonly leadsAway?: boolean;
};

/** One short page, complete in itself: no script, nothing loaded, nothing kept by browsers or proxies. */
export function pageResponse(page: Page): Response {
  const document = html`<!doctype html>${<Document page={page} />}`;
  if (document instanceof Promise) throw new Error("A page's components must not wait for anything.");
  return new Response(document.toString(), {
    status: page.status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      // A login's answer redirects to the seller's app, which may redirect to another host of its own: browsers
      // hold every one of those steps against form-action.
      "content-security-policy": `default-src 'none'; style-src '${styleHash}'; form-action 'self'${page.leadsAway ? " https: http:" : ""}; base-uri 'none'; frame-ancestors 'none'`,
      "content-language": page.language,
      vary: "accept-language",
      ...guardHeaders,
    },
  });
}

/** The address holds a secret: it is not passed on, kept or framed. */
export const guardHeaders = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "x-robots-tag": "noindex",
} as const;

function Document({ page }: { page: Page }) {
  const { language, shop, heading, paragraphs, button } = page;
  return (
    <html lang={language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{shop ? `${heading} · ${shop}` : heading}</title>
        <style>{raw(styleSheet)}</style>
      </head>
      <body>
        <main>
          {shop && <p class="shop">{shop}</p>}
          <section>
            <h1>{heading}</h1>
            {paragraphs.map((text) => (
              <p>{text}</p>
            ))}
            {button && (
              <Form action={button.action}>
                <button type="submit" class={button.quiet ? "quiet" : ""}>
                  {button.label}
                </button>
              </Form>
            )}
          </section>
        </main>
      </body>
    </html>
  );
}

function Form({ action, children }: { action: string; children: Child }) {
  return (
    <form method="post" action={action}>
      {children}
    </form>
  );
}

const styleSheet = `
*{box-sizing:border-box}
html{color-scheme:light dark;--page:#f3f2ef;--card:#fff;--ink:#1c1b1a;--soft:#66635e;--line:#d9d6d0;--accent:#1f5fd6;--press:#184cab}
@media (prefers-color-scheme:dark){html{--page:#141413;--card:#1f1e1d;--ink:#f2f0ec;--soft:#aaa69f;--line:#45423e;--accent:#2f6fe4;--press:#2359c4}}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:32px 16px;background:var(--page);color:var(--ink);font:16px/1.55 -apple-system,BlinkMacSystemFont,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;-webkit-text-size-adjust:100%;text-size-adjust:100%}
main{width:100%;max-width:480px;margin-bottom:6vh}
.shop{margin:0 0 16px;padding:0 40px;font-size:15px;font-weight:700;overflow-wrap:anywhere}
section{padding:40px;border-radius:16px;background:var(--card)}
h1{margin:0 0 16px;font-size:26px;line-height:1.23;letter-spacing:-.3px;text-wrap:balance;overflow-wrap:anywhere}
section p{margin:0 0 12px;color:var(--soft);overflow-wrap:anywhere}
section p:last-child{margin:0}
form{margin:28px 0 0}
button{width:100%;min-height:50px;padding:13px 28px;border:1px solid var(--accent);border-radius:10px;background:var(--accent);color:#fff;font:inherit;font-weight:600;cursor:pointer}
button:hover{background:var(--press);border-color:var(--press)}
button.quiet{border-color:var(--line);background:transparent;color:var(--ink)}
button.quiet:hover{border-color:var(--soft)}
button:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
@media (max-width:480px){body{padding:24px 0}.shop{padding:0 24px}section{padding:30px 24px;border-radius:0}h1{font-size:24px}}
`;

const styleHash = `sha256-${createHash("sha256").update(styleSheet).digest("base64")}`;
