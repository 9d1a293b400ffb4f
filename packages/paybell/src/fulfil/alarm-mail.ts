import type { Language, RenderedMail } from "../domain/mail.ts";
import type { Alarm, AlarmKind } from "../ledger/alarm.ts";
import { writeMail } from "./mails/render.tsx";

/** Tells the operator what happened and what to do about it. */
export function alarmMail(alarm: Alarm, language: Language, publicUrl: string): RenderedMail {
  const [subject, sentence] = texts[language][alarm.kind];
  const details = Object.entries(alarm.data)
    // What to do stands in the text, in the operator's language.
    .filter(([name, value]) => name !== "what_to_do" && (typeof value === "string" || typeof value === "number"))
    .map(([name, value]): [string, string] => [name.replaceAll("_", " "), String(value).slice(0, 200)]);
  return writeMail({
    language,
    subject: `Paybell: ${subject}`,
    preview: sentence,
    shop: "Paybell",
    blocks: [
      { type: "heading", text: subject },
      { type: "paragraph", text: sentence },
      ...(details.length > 0 ? [{ type: "rows" as const, rows: details }] : []),
    ],
    footer: publicUrl,
  });
}

const texts: Record<Language, Record<AlarmKind, readonly [subject: string, sentence: string]>> = {
  en: {
    product_unmapped: [
      "A product is not mapped",
      "A sale came in for a product that is mapped to none of yours. It is booked and grants nothing yet. Map it, and it has the effect it would have had on the day.",
    ],
    fact_conflict: [
      "A notification contradicts an earlier one",
      "The same transaction was sent again with another amount. The first stays; the second waits for you to look at it.",
    ],
    key_pool_low: ["A key pool is running out", "Upload more licence keys, so that no buyer has to wait."],
    key_pool_empty: [
      "A key pool is empty",
      "A buyer waits for a licence key. Everything else was handed over; the key goes out as soon as you upload more.",
    ],
    licence_over_limit: [
      "More machines than the order allows",
      "The quantity of an order was lowered below what is in use. Nobody was thrown out.",
    ],
    notification_unreadable: [
      "A notification could not be read",
      "Its signature is right, but its content is not understood. It is kept and can be processed again.",
    ],
    signatures_wrong: [
      "Repeated wrong signatures",
      "Several notifications were refused because their signature does not fit. The secret at the provider probably differs from the one here.",
    ],
    connection_silent: [
      "A connection is unusually silent",
      "Nothing has arrived on this connection for much longer than usual. Look at the provider whether there were sales, and whether it still sends its notifications to this connection's address. What is missing can be sent again there.",
    ],
    mail_bounced: [
      "A mail could not be delivered",
      "The mailbox refused it for good. Correct the address on the order, and the access data go out again.",
    ],
    payment_after_cancellation: [
      "A payment after the cancellation",
      "A cancelled plan was charged again. The payment was booked and access extended.",
    ],
    refunded_still_charged: [
      "A refunded subscription is still being charged",
      "Its newest payment was given back, and another one came after it. Perhaps the plan should be cancelled at the provider.",
    ],
    refund_without_payment: [
      "A refund without its payment",
      "A refund came in whose payment is not known. It waits for its payment.",
    ],
    dispute_opened: [
      "A chargeback",
      "The bank took a payment back. The items of that order are suspended until it is decided.",
    ],
    mail_server_failing: [
      "The mail server does not take our mails",
      "For an hour no mail could be handed to the mail server. The mails wait, and go out when it answers again. Check SMTP_URL and the server.",
    ],
    address_failing: [
      "An address does not answer",
      "Nothing could be delivered to this connection for a while. What is due to it is held, and goes out when the address answers again.",
    ],
    address_half_time: [
      "An address still does not answer",
      "Half of the time is over after which this connection is switched off. What is due to it is held; put the address right, and it goes out.",
    ],
    address_disabled: [
      "A connection was switched off",
      "Its address failed for too long, or said that it wants nothing any more. What is due to it is held: put the address right and switch the connection on again.",
    ],
    deliveries_failed: [
      "An event could not be delivered",
      "All attempts to bring it to this connection have failed, and no more are made, although others may arrive. It is kept: look up what the address answered, put it right, and try it again.",
    ],
  },
  de: {
    product_unmapped: [
      "Ein Produkt ist nicht zugeordnet",
      "Ein Verkauf kam für ein Produkt an, das keinem Ihrer Produkte zugeordnet ist. Er ist gebucht und schaltet noch nichts frei. Ordnen Sie es zu, dann wirkt er so, als wäre es am Tag des Kaufs zugeordnet gewesen.",
    ],
    fact_conflict: [
      "Eine Benachrichtigung widerspricht einer früheren",
      "Dieselbe Transaktion kam noch einmal mit einem anderen Betrag. Die erste gilt weiter; die zweite wartet auf Ihre Prüfung.",
    ],
    key_pool_low: [
      "Ein Schlüsselvorrat geht zur Neige",
      "Laden Sie weitere Lizenzschlüssel hoch, damit niemand warten muss.",
    ],
    key_pool_empty: [
      "Ein Schlüsselvorrat ist leer",
      "Ein Kunde wartet auf seinen Lizenzschlüssel. Alles andere ist ausgeliefert; der Schlüssel folgt, sobald Sie neue hochladen.",
    ],
    licence_over_limit: [
      "Mehr Geräte, als die Bestellung erlaubt",
      "Die Menge einer Bestellung wurde unter das gesenkt, was benutzt wird. Niemand wurde ausgesperrt.",
    ],
    notification_unreadable: [
      "Eine Benachrichtigung ist nicht lesbar",
      "Ihre Signatur stimmt, ihr Inhalt wird aber nicht verstanden. Sie ist aufbewahrt und kann erneut verarbeitet werden.",
    ],
    signatures_wrong: [
      "Wiederholt falsche Signaturen",
      "Mehrere Benachrichtigungen wurden abgewiesen, weil ihre Signatur nicht passt. Vermutlich unterscheidet sich das Kennwort beim Anbieter von dem hier.",
    ],
    connection_silent: [
      "Eine Verbindung ist ungewöhnlich still",
      "Auf dieser Verbindung ist viel länger als üblich nichts angekommen. Sehen Sie beim Anbieter nach, ob es Verkäufe gab und ob er seine Benachrichtigungen noch an die Adresse dieser Verbindung sendet. Was fehlt, lässt sich dort erneut senden.",
    ],
    mail_bounced: [
      "Eine E-Mail ist nicht zustellbar",
      "Das Postfach hat sie endgültig abgewiesen. Berichtigen Sie die Adresse an der Bestellung, dann gehen die Zugangsdaten erneut hinaus.",
    ],
    payment_after_cancellation: [
      "Eine Zahlung nach der Kündigung",
      "Ein gekündigter Plan wurde noch einmal abgebucht. Die Zahlung ist gebucht, der Zugang verlängert.",
    ],
    refunded_still_charged: [
      "Ein erstattetes Abonnement wird weiter abgebucht",
      "Die neueste Zahlung wurde erstattet, und danach kam eine weitere. Vielleicht sollte der Plan beim Anbieter gekündigt werden.",
    ],
    refund_without_payment: [
      "Eine Erstattung ohne ihre Zahlung",
      "Eine Erstattung kam an, deren Zahlung nicht bekannt ist. Sie wartet auf ihre Zahlung.",
    ],
    dispute_opened: [
      "Eine Rückbuchung",
      "Die Bank hat eine Zahlung zurückgeholt. Die Artikel dieser Bestellung ruhen, bis entschieden ist.",
    ],
    mail_server_failing: [
      "Der Mailserver nimmt keine E-Mails an",
      "Seit einer Stunde ließ sich keine E-Mail an den Mailserver übergeben. Die E-Mails warten und gehen hinaus, sobald er wieder antwortet. Prüfen Sie SMTP_URL und den Server.",
    ],
    address_failing: [
      "Eine Adresse antwortet nicht",
      "An diese Verbindung ließ sich eine Zeit lang nichts zustellen. Was ansteht, wird aufgehoben und geht hinaus, sobald die Adresse wieder antwortet.",
    ],
    address_half_time: [
      "Eine Adresse antwortet noch immer nicht",
      "Die Hälfte der Zeit ist um, nach der diese Verbindung abgeschaltet wird. Was ansteht, wird aufgehoben; bringen Sie die Adresse in Ordnung, dann geht es hinaus.",
    ],
    address_disabled: [
      "Eine Verbindung wurde abgeschaltet",
      "Ihre Adresse war zu lange nicht erreichbar oder wollte nichts mehr haben. Was ansteht, wird aufgehoben: Bringen Sie die Adresse in Ordnung und schalten Sie die Verbindung wieder ein.",
    ],
    deliveries_failed: [
      "Ein Ereignis ist nicht zustellbar",
      "Alle Versuche, es an diese Verbindung zuzustellen, sind gescheitert, und es folgt keiner mehr; andere kommen womöglich an. Es ist aufbewahrt: Sehen Sie nach, was die Adresse geantwortet hat, bringen Sie es in Ordnung und stellen Sie es erneut zu.",
    ],
  },
};
