import type { Language } from "../../domain/mail.ts";

export type PageText = { readonly heading: string; readonly paragraphs: readonly string[] };

/** One language's pages, complete: a missing text stops the build. */
export type PageTexts = {
  readonly unknown: PageText;
  readonly unavailable: PageText;
  readonly login: {
    readonly ready: (product: string) => PageText;
    readonly button: string;
    readonly confirmed: (shop: string) => PageText;
    readonly used: PageText;
    readonly expired: PageText;
    readonly revoked: PageText;
    readonly ended: PageText;
    readonly again: string;
    readonly sent: PageText;
  };
  readonly download: {
    readonly expired: (product: string) => PageText;
    readonly revoked: PageText;
    readonly closed: Readonly<Record<"suspended" | "paused" | "refunded" | "ended", (product: string) => PageText>>;
    readonly missing: (product: string) => PageText;
  };
};

const german: PageTexts = {
  unknown: {
    heading: "Diesen Link gibt es nicht",
    paragraphs: [
      "Vielleicht fehlt am Ende ein Stück: Manche Mailprogramme brechen lange Links um. Öffnen Sie ihn am besten direkt aus der E-Mail.",
    ],
  },
  unavailable: {
    heading: "Einen Moment bitte",
    paragraphs: ["Die Seite ist gerade nicht erreichbar. Laden Sie sie in einer Minute noch einmal."],
  },
  login: {
    ready: (product) => ({
      heading: "Willkommen",
      paragraphs: [`Ein Klick, und „${product}“ ist offen.`],
    }),
    button: "Jetzt anmelden",
    confirmed: (shop) => ({
      heading: "Ihre Adresse ist bestätigt",
      paragraphs: [`Danke. Sie können dieses Fenster schließen und die Seite von ${shop} öffnen.`],
    }),
    used: {
      heading: "Dieser Link wurde schon benutzt",
      paragraphs: [
        "Jeder Anmeldelink funktioniert einmal. Wenn Sie angemeldet sind, ist alles gut. Sonst schicken wir Ihnen gern einen neuen.",
      ],
    },
    expired: {
      heading: "Dieser Link ist abgelaufen",
      paragraphs: ["Anmeldelinks gelten nur für eine Weile. Wir schicken Ihnen gern einen neuen."],
    },
    revoked: {
      heading: "Dieser Link gilt nicht mehr",
      paragraphs: ["Er wurde durch einen neueren ersetzt. Sehen Sie in Ihrer neuesten E-Mail nach."],
    },
    ended: {
      heading: "Ihr Zugang ist nicht offen",
      paragraphs: [
        "Er ist beendet oder ruht gerade, deshalb können wir Sie nicht anmelden. Sobald er wieder offen ist, funktioniert auch der Link, solange er gilt.",
      ],
    },
    again: "Neuen Link schicken",
    sent: {
      heading: "Sehen Sie in Ihr Postfach",
      paragraphs: [
        "Wenn zu Ihrer Adresse ein offener Zugang gehört, ist ein neuer Link unterwegs. Er geht an die Adresse, an die auch der alte ging.",
        "Nichts angekommen? Sehen Sie auch im Spam-Ordner nach.",
      ],
    },
  },
  download: {
    expired: (product) => ({
      heading: "Dieser Link ist abgelaufen",
      paragraphs: [
        `Der Download von „${product}“ war nur für eine Weile verfügbar.`,
        "Antworten Sie auf die E-Mail, wenn Sie einen neuen Link brauchen.",
      ],
    }),
    revoked: {
      heading: "Dieser Link gilt nicht mehr",
      paragraphs: ["Er wurde durch einen neueren ersetzt. Sehen Sie in Ihrer neuesten E-Mail nach."],
    },
    closed: {
      suspended: (product) => ({
        heading: "Der Download ruht",
        paragraphs: [`Die Zahlung für „${product}“ wird gerade geprüft. Danach ist er wieder da.`],
      }),
      paused: (product) => ({
        heading: "Der Download ruht",
        paragraphs: [`Für „${product}“ steht eine Zahlung aus. Sobald sie da ist, funktioniert dieser Link wieder.`],
      }),
      refunded: (product) => ({
        heading: "Ihr Zugang ist beendet",
        paragraphs: [`Die Zahlung für „${product}“ wurde erstattet. Damit endete auch der Download.`],
      }),
      ended: (product) => ({
        heading: "Ihr Zugang ist beendet",
        paragraphs: [`Der Zugang zu „${product}“ ist abgelaufen. Damit endete auch der Download.`],
      }),
    },
    missing: (product) => ({
      heading: "Die Datei fehlt noch",
      paragraphs: [
        `Für „${product}“ liegt noch keine Datei bereit. Versuchen Sie es später noch einmal; der Link bleibt gültig.`,
      ],
    }),
  },
};

const english: PageTexts = {
  unknown: {
    heading: "There is no such link",
    paragraphs: [
      "Perhaps a piece of it is missing: some mail programs break long links. It is best to open it right from the mail.",
    ],
  },
  unavailable: {
    heading: "One moment, please",
    paragraphs: ["This page cannot be reached right now. Load it again in a minute."],
  },
  login: {
    ready: (product) => ({ heading: "Welcome", paragraphs: [`One click, and “${product}” is open.`] }),
    button: "Log in now",
    confirmed: (shop) => ({
      heading: "Your address is confirmed",
      paragraphs: [`Thank you. You can close this window and open the page of ${shop}.`],
    }),
    used: {
      heading: "This link was already used",
      paragraphs: [
        "Each login link works once. If you are logged in, all is well. If not, we will gladly send you a new one.",
      ],
    },
    expired: {
      heading: "This link has expired",
      paragraphs: ["Login links are good for a while only. We will gladly send you a new one."],
    },
    revoked: {
      heading: "This link is no longer good",
      paragraphs: ["A newer one has replaced it. Look for the newest mail in your inbox."],
    },
    ended: {
      heading: "Your access is not open",
      paragraphs: [
        "It has ended or is on hold, so we cannot log you in. Once it is open again, this link works too, as long as it is valid.",
      ],
    },
    again: "Send a new link",
    sent: {
      heading: "Look into your inbox",
      paragraphs: [
        "If your address has open access, a new link is on its way. It goes to the address the old one went to.",
        "Nothing there? Please look into the spam folder too.",
      ],
    },
  },
  download: {
    expired: (product) => ({
      heading: "This link has expired",
      paragraphs: [
        `The download of “${product}” was there for a while only.`,
        "Reply to the mail if you need a new link.",
      ],
    }),
    revoked: {
      heading: "This link is no longer good",
      paragraphs: ["A newer one has replaced it. Look for the newest mail in your inbox."],
    },
    closed: {
      suspended: (product) => ({
        heading: "The download is on hold",
        paragraphs: [`The payment for “${product}” is being looked into. After that it is back.`],
      }),
      paused: (product) => ({
        heading: "The download is on hold",
        paragraphs: [`A payment for “${product}” is outstanding. As soon as it is in, this link works again.`],
      }),
      refunded: (product) => ({
        heading: "Your access has ended",
        paragraphs: [`The payment for “${product}” was refunded. The download ended with it.`],
      }),
      ended: (product) => ({
        heading: "Your access has ended",
        paragraphs: [`Access to “${product}” has run out. The download ended with it.`],
      }),
    },
    missing: (product) => ({
      heading: "The file is not there yet",
      paragraphs: [`There is no file for “${product}” yet. Try again later; the link stays good.`],
    }),
  },
};

export const pageTexts: Readonly<Record<Language, PageTexts>> = { de: german, en: english };
