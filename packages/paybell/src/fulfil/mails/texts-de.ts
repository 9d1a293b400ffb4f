import type { Texts, Words } from "./texts.ts";

export const german: Texts = {
  greeting: (firstName) => (firstName ? `Hallo ${firstName},` : "Guten Tag,"),
  letters: {
    access_data: ({ product }) => ({
      subject: `Ihr Zugang zu ${product}`,
      heading: "Ihr Zugang ist da",
      paragraphs: [`vielen Dank für Ihren Kauf. „${product}“ steht Ihnen ab sofort offen.`],
    }),
    trial: ({ product, until }) => ({
      subject: `Ihr Probezugang zu ${product}`,
      heading: "Ihr Probezugang ist freigeschaltet",
      paragraphs: [
        `schön, dass Sie da sind. Sie können „${product}“ jetzt in Ruhe ausprobieren.`,
        until ? `Ihr Probezugang läuft ${untilEnd(until)}.` : "",
      ],
    }),
    licence_key: ({ product }) => ({
      subject: `Ihr Lizenzschlüssel für ${product}`,
      heading: "Ihr Lizenzschlüssel ist da",
      paragraphs: [`danke für Ihre Geduld. Hier ist der Schlüssel für „${product}“, der noch gefehlt hat.`],
    }),
    renewal: ({ product, paidThrough, rates }) => ({
      subject: `Danke für Ihre Zahlung: ${product}`,
      heading: "Danke, Ihre Zahlung ist angekommen",
      paragraphs: [
        `Ihr Zugang zu „${product}“ läuft weiter.${paidThrough ? ` Er ist jetzt bis zum ${paidThrough} bezahlt.` : ""}`,
        rates && rates.paid >= rates.total ? "Das war die letzte Rate: Damit ist alles bezahlt." : "",
      ],
    }),
    payment_failed: ({ product, until }) => ({
      subject: `Ihre Zahlung für ${product} hat nicht geklappt`,
      heading: "Ihre Zahlung hat nicht geklappt",
      paragraphs: [
        `die letzte Zahlung für „${product}“ konnte nicht eingezogen werden. Oft hat das einen harmlosen Grund, zum Beispiel eine abgelaufene Karte.`,
        `${until ? `Ihr Zugang bleibt ${untilEnd(until)} offen, und es` : "Es"} geht nichts verloren. Bitte prüfen Sie Ihre Zahlungsdaten dort, wo Sie bestellt haben. Sobald die Zahlung da ist, läuft alles weiter wie gewohnt.`,
      ],
    }),
    access_paused: ({ product, shop, pausedBecause }) => ({
      subject: `Ihr Zugang zu ${product} pausiert`,
      heading: "Ihr Zugang pausiert",
      paragraphs:
        pausedBecause === "dispute"
          ? [
              `Ihre Bank oder Ihr Kartenanbieter hat eine Zahlung für „${product}“ zurückgefordert. Bis das geklärt ist, pausiert Ihr Zugang.`,
              `Ihre Daten, Ihre Schlüssel und Ihr Fortschritt bleiben erhalten. Falls es ein Versehen war, melden Sie sich bitte bei ${shop}.`,
            ]
          : [
              `für „${product}“ ist noch eine Zahlung offen. Deshalb pausiert Ihr Zugang im Moment.`,
              "Ihre Daten, Ihre Schlüssel und Ihr Fortschritt bleiben erhalten. Sobald die Zahlung da ist, öffnet sich Ihr Zugang von selbst wieder.",
            ],
    }),
    access_back: ({ product }) => ({
      subject: `Ihr Zugang zu ${product} ist wieder da`,
      heading: "Ihr Zugang ist wieder da",
      paragraphs: [
        `willkommen zurück! „${product}“ steht Ihnen wieder offen, mit Ihren Daten, Ihren Schlüsseln und Ihrem Fortschritt.`,
      ],
    }),
    cancelled: ({ product, until }) => ({
      subject: `Ihre Kündigung von ${product}`,
      heading: "Ihre Kündigung ist angekommen",
      paragraphs: [
        `„${product}“ ist gekündigt. Weitere Zahlungen sind nicht vorgesehen.`,
        until ? `Ihr Zugang bleibt ${untilEnd(until)} offen.` : until === null ? "Ihr Zugang bleibt offen." : "",
        "Danke, dass Sie dabei waren.",
      ],
    }),
    refunded: ({ product, amount, accessRemains }) => ({
      subject: `Ihre Erstattung für ${product}`,
      heading: "Ihr Geld ist auf dem Weg zurück",
      paragraphs: [
        `wir haben Ihnen ${amount ? `${amount} für` : "Ihre Zahlung für"} „${product}“ erstattet. Je nach Bank dauert es ein paar Tage, bis das Geld auf Ihrem Konto ist.`,
        accessRemains === true ? "Ihr Zugang bleibt offen." : "",
        accessRemains === false ? `Ihr Zugang zu „${product}“ ist damit beendet.` : "",
      ],
    }),
  },
  login: {
    button: "Jetzt anmelden",
    note: (validUntil) => `Der Link funktioniert einmal, bis ${validUntil}.`,
    code: "Oder melden Sie sich mit diesem Code an",
    codeNote: "Er öffnet dieselbe Tür, auf jedem Gerät. Bitte geben Sie ihn nicht weiter.",
  },
  licence: {
    label: "Ihr Lizenzschlüssel",
    follows: "Ihr Schlüssel folgt",
    followsNote: "Ihr Lizenzschlüssel kommt in einer eigenen E-Mail, sobald er bereit ist. Sie müssen nichts tun.",
    activations: (machines) =>
      machines === 1 ? "Auf einem Gerät nutzbar." : `Auf bis zu ${machines} Geräten gleichzeitig nutzbar.`,
  },
  download: { button: "Herunterladen", note: (validUntil) => `Der Download steht bis ${validUntil} bereit.` },
  rows: {
    product: "Produkt",
    order: "Bestellung",
    amount: "Betrag",
    refundedAmount: "Erstattet",
    until: "Zugang bis",
    trialUntil: "Probezugang bis",
    paidThrough: "Bezahlt bis",
    rates: "Raten",
    ratesOf: (paid, total) => `${paid} von ${total}`,
  },
  noEnd: "ohne Enddatum",
  footer: (shop) => `Sie erhalten diese E-Mail, weil mit dieser Adresse bei ${shop} bestellt wurde.`,
};

function untilEnd(until: NonNullable<Words["until"]>): string {
  return until.wholeDay ? `bis einschließlich ${until.text}` : `bis ${until.text}`;
}
