import type { CopecartMessage } from "@paybell/protocols/copecart/fields";
import type { Day, Instant } from "@paybell/protocols/domain/day";
import { type Article, book, club, course, people, training } from "./catalogue.ts";
import type { Random } from "./random.ts";
import { type Checkout, checkout, dayIn, type Happening, later, messageOf, newTransactionId } from "./sale.ts";

/** One thing that happens, and the message that tells of it. */
export type Step = {
  readonly at: Instant;
  readonly say: string;
  readonly message: CopecartMessage;
  /** sent this often at the same moment */
  readonly copies?: number;
};

export type Story = {
  readonly name: string;
  readonly title: string;
  /** how long before today it begins, so that it ends about now */
  readonly ago: { readonly months?: number; readonly days?: number };
  readonly articles: readonly Article[];
  tell(random: Random, start: Instant, test: boolean): readonly Step[];
};

/** A sale's life as one buyer sees it: each call tells the next thing that happens. */
type Life = {
  readonly first: string;
  readonly step: (
    say: string,
    happening: Omit<Happening, "at" | "status">,
    at: Instant,
    status: string,
    copies?: number,
  ) => Step;
  readonly transaction: () => string;
};

function life(random: Random, at: Instant, test: boolean): Life {
  const order: Checkout = checkout(random, random.pick(people), at, test);
  return {
    first: order.person.first,
    transaction: () => newTransactionId(random),
    step: (say, happening, when, status, copies) => ({
      at: when,
      say,
      message: messageOf(order, { ...happening, at: when, status: test ? inTest(status) : status }),
      ...(copies && { copies }),
    }),
  };
}

/** Three statuses have a form of their own in test orders. */
function inTest(status: string): string {
  return ["paid", "trial", "successed_refunded"].includes(status) ? `test_${status}` : status;
}

/** One payment for one article. */
function sale({ first, step, transaction }: Life, at: Instant, article: Article = course, copies?: number): Step {
  const say = `${first} buys "${article.name}" for ${euros(article.cents)}.`;
  return step(say, { event: "payment.made", article, transactionId: transaction() }, at, "paid", copies);
}

/** Payment number `rate` of a plan; `next` is the day of the one after it. */
function payment(
  { first, step, transaction }: Life,
  { article, rate, at, next }: { article: Article; rate: number; at: Instant; next: Day | null },
): Step {
  const say =
    rate === 1
      ? `${first} begins "${article.name}": the first payment of ${euros(article.cents)} is in.`
      : `Payment ${rate} of ${euros(article.cents)} is in.`;
  return step(say, { event: "payment.made", article, rate, next, transactionId: transaction() }, at, "paid");
}

function refund({ first, step, transaction }: Life, at: Instant, cents: number, say?: string): Step {
  const sentence = say ?? `${first} gets ${euros(cents)} back.`;
  const happening = {
    event: "payment.refunded",
    article: course,
    transaction: "refund",
    cents,
    transactionId: transaction(),
  } as const;
  return step(sentence, happening, at, "successed_refunded");
}

/** Three months of a subscription: paid, paid, failed, recovered two days later. */
function subscription(random: Random, start: Instant, test: boolean): Step[] {
  const buyer = life(random, start, test);
  const second = later(start, { months: 1 });
  const third = later(start, { months: 2 });
  const next = dayIn(later(start, { months: 3 }));
  return [
    payment(buyer, { article: club, rate: 1, at: start, next: dayIn(second) }),
    buyer.step(
      `CopeCart announces the next payment. That is no payment.`,
      { event: "payment.recurring.upcoming", article: club, next: dayIn(second) },
      later(second, { days: -3 }),
      "upcoming",
    ),
    payment(buyer, { article: club, rate: 2, at: second, next: dayIn(third) }),
    buyer.step(
      `Payment 3 fails: the card has expired. Access goes on for the days of grace.`,
      { event: "payment.failed", article: club, rate: 3, next, transactionId: buyer.transaction() },
      third,
      "failed",
    ),
    payment(buyer, { article: club, rate: 3, at: later(third, { days: 2 }), next }),
  ];
}

export const stories: readonly Story[] = [
  {
    name: "one-time",
    title: "a course is bought, once",
    ago: {},
    articles: [course],
    tell: (random, start, test) => [sale(life(random, start, test), start)],
  },
  {
    name: "upsell",
    title: "a course and, a minute later, a book in the same order",
    ago: {},
    articles: [course, book],
    tell(random, start, test) {
      const buyer = life(random, start, test);
      const say = `${buyer.first} takes "${book.name}" too, for ${euros(book.cents)}: same order, own transaction.`;
      const upsell = {
        event: "payment.made",
        article: book,
        upsell: true,
        transactionId: buyer.transaction(),
      } as const;
      return [sale(buyer, start), buyer.step(say, upsell, start + 60_000, "paid")];
    },
  },
  {
    name: "subscription",
    title: "a membership: two payments, one that fails, and its recovery",
    ago: { months: 2, days: 3 },
    articles: [club],
    tell: subscription,
  },
  {
    name: "instalments",
    title: "a training in three rates; after the third it is paid for good",
    ago: { months: 2, days: 1 },
    articles: [training],
    tell(random, start, test) {
      const buyer = life(random, start, test);
      return [1, 2, 3].map((rate) => {
        const next = rate === 3 ? null : dayIn(later(start, { months: rate }));
        return payment(buyer, { article: training, rate, at: later(start, { months: rate - 1 }), next });
      });
    },
  },
  {
    name: "trial",
    title: "two weeks free, then the first payment",
    ago: { days: 15 },
    articles: [club],
    tell(random, start, test) {
      const buyer = life(random, start, test);
      const end = later(start, { days: 14 });
      const say = `${buyer.first} begins "${club.name}" with 14 days free.`;
      const trial = {
        event: "payment.trial",
        article: club,
        cents: 0,
        next: dayIn(end),
        transactionId: buyer.transaction(),
      } as const;
      return [
        buyer.step(say, trial, start, "trial"),
        payment(buyer, { article: club, rate: 1, at: end, next: dayIn(later(end, { months: 1 })) }),
      ];
    },
  },
  {
    name: "cancelled",
    title: "a membership is cancelled; access stays to the end of what was paid",
    ago: { months: 1, days: 10 },
    articles: [club],
    tell(random, start, test) {
      const buyer = life(random, start, test);
      const second = later(start, { months: 1 });
      const end = dayIn(later(start, { months: 2 }));
      const cancelled = { event: "payment.recurring.cancelled", article: club, cancelledFor: end } as const;
      return [
        payment(buyer, { article: club, rate: 1, at: start, next: dayIn(second) }),
        payment(buyer, { article: club, rate: 2, at: second, next: end }),
        buyer.step(`${buyer.first} cancels for ${end}.`, cancelled, later(second, { days: 8 }), "paid"),
      ];
    },
  },
  {
    name: "refund",
    title: "a course is bought and given back in full",
    ago: { days: 3 },
    articles: [course],
    tell(random, start, test) {
      const buyer = life(random, start, test);
      return [sale(buyer, start), refund(buyer, later(start, { days: 2 }), course.cents)];
    },
  },
  {
    name: "partial-refund",
    title: "half of the price is given back; access stays",
    ago: { days: 3 },
    articles: [course],
    tell(random, start, test) {
      const buyer = life(random, start, test);
      return [sale(buyer, start), refund(buyer, later(start, { days: 2 }), course.cents / 2)];
    },
  },
  {
    name: "chargeback",
    title: "the bank takes the money back, and the vendor wins the case",
    ago: { days: 40 },
    articles: [course],
    tell(random, start, test) {
      const buyer = life(random, start, test);
      const dispute = {
        event: "payment.charged_back",
        article: course,
        transaction: "chargeback",
        transactionId: buyer.transaction(),
      } as const;
      return [
        sale(buyer, start),
        buyer.step(
          `The bank takes ${euros(course.cents)} back.`,
          dispute,
          later(start, { days: 20 }),
          "chargeback_succeeded",
        ),
        buyer.step(`The case is decided for the vendor.`, dispute, later(start, { days: 38 }), "chargeback_failed"),
      ];
    },
  },
  {
    name: "shuffled",
    title: "a membership's life arrives in random order (choose it with --seed)",
    ago: { months: 2, days: 3 },
    articles: [club],
    tell: (random, start, test) => random.shuffled(subscription(random, start, test)),
  },
  {
    name: "duplicates",
    title: "the same payment, twice at once and once more",
    ago: {},
    articles: [course],
    tell(random, start, test) {
      const first = sale(life(random, start, test), start, course, 2);
      return [first, { at: first.at, say: "CopeCart sends the same notification once more.", message: first.message }];
    },
  },
];

function euros(cents: number): string {
  return `${(cents / 100).toFixed(2)} EUR`;
}
