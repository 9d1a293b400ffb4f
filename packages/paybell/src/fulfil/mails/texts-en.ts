import type { Texts, Words } from "./texts.ts";

export const english: Texts = {
  greeting: (firstName) => (firstName ? `Hello ${firstName},` : "Hello,"),
  letters: {
    access_data: ({ product }) => ({
      subject: `Your access to ${product}`,
      heading: "Your access is ready",
      paragraphs: [`Thank you for your purchase. “${product}” is open for you from now on.`],
    }),
    trial: ({ product, until }) => ({
      subject: `Your trial of ${product}`,
      heading: "Your trial is open",
      paragraphs: [`Take your time and try “${product}”.`, until ? `Your trial runs ${untilEnd(until)}.` : ""],
    }),
    licence_key: ({ product }) => ({
      subject: `Your licence key for ${product}`,
      heading: "Your licence key is here",
      paragraphs: [`Thank you for your patience. Here is the key for “${product}” that was still missing.`],
    }),
    renewal: ({ product, paidThrough, rates }) => ({
      subject: `Thank you for your payment: ${product}`,
      heading: "Thank you, your payment has arrived",
      paragraphs: [
        `Your access to “${product}” goes on.${paidThrough ? ` It is now paid through ${paidThrough}.` : ""}`,
        rates && rates.paid >= rates.total ? "That was the last instalment: everything is paid." : "",
      ],
    }),
    payment_failed: ({ product, until }) => ({
      subject: `Your payment for ${product} did not go through`,
      heading: "Your payment did not go through",
      paragraphs: [
        `The latest payment for “${product}” could not be collected. Often the reason is harmless, such as a card that has expired.`,
        `${until ? `Your access continues ${untilEnd(until)}, and nothing` : "Nothing"} is lost. Please check your payment details where you placed the order. Once the payment is in, everything goes on as usual.`,
      ],
    }),
    access_paused: ({ product, shop, pausedBecause }) => ({
      subject: `Your access to ${product} is paused`,
      heading: "Your access is paused",
      paragraphs:
        pausedBecause === "dispute"
          ? [
              `Your bank or card company has asked for a payment for “${product}” to be returned. Until this is settled, your access is paused.`,
              `Your data, your keys and your progress are kept. If this was a mistake, please get in touch with ${shop}.`,
            ]
          : [
              `A payment for “${product}” is still open, so your access is paused for now.`,
              "Your data, your keys and your progress are kept. As soon as the payment is in, your access opens again by itself.",
            ],
    }),
    access_back: ({ product }) => ({
      subject: `Your access to ${product} is back`,
      heading: "Your access is back",
      paragraphs: [`Welcome back! “${product}” is open for you again, with your data, your keys and your progress.`],
    }),
    cancelled: ({ product, until }) => ({
      subject: `Your cancellation of ${product}`,
      heading: "Your cancellation has arrived",
      paragraphs: [
        `“${product}” has been cancelled. No further payments are planned.`,
        until ? `Your access stays open ${untilEnd(until)}.` : until === null ? "Your access stays open." : "",
        "Thank you for having been with us.",
      ],
    }),
    refunded: ({ product, amount, accessRemains }) => ({
      subject: `Your refund for ${product}`,
      heading: "Your money is on its way back",
      paragraphs: [
        `We have refunded ${amount ? `${amount} for ` : "your payment for "}“${product}”. Depending on your bank, it takes a few days to show on your account.`,
        accessRemains === true ? "Your access stays open." : "",
        accessRemains === false ? `Your access to “${product}” has ended with it.` : "",
      ],
    }),
  },
  login: {
    button: "Log in now",
    note: (validUntil) => `The link works once, until ${validUntil}.`,
    code: "Or log in with this code",
    codeNote: "It opens the same door, on any device. Please keep it to yourself.",
  },
  licence: {
    label: "Your licence key",
    follows: "Your key follows",
    followsNote:
      "Your licence key will reach you in a separate mail as soon as it is ready. There is nothing you need to do.",
    activations: (machines) =>
      machines === 1 ? "Can be active on one device." : `Can be active on ${machines} devices at the same time.`,
  },
  download: { button: "Download", note: (validUntil) => `The download is available until ${validUntil}.` },
  rows: {
    product: "Product",
    order: "Order",
    amount: "Amount",
    refundedAmount: "Refunded",
    until: "Access until",
    trialUntil: "Trial until",
    paidThrough: "Paid through",
    rates: "Instalments",
    ratesOf: (paid, total) => `${paid} of ${total}`,
  },
  noEnd: "no end date",
  footer: (shop) => `You receive this mail because something was ordered from ${shop} with this address.`,
};

function untilEnd(until: NonNullable<Words["until"]>): string {
  return until.wholeDay ? `until the end of ${until.text}` : `until ${until.text}`;
}
