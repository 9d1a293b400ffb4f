import type { Day, Instant } from "@paybell/protocols/domain/day";
import { type Article, book, club, course, people, training } from "./catalogue.ts";
import type { Random } from "./random.ts";
import { type Checkout, checkout, dayIn, type Happening, later, newTransactionId } from "./happening.ts";

/** One thing that happens. */
export type Step = {
  readonly at: Instant;
  readonly say: string;
  readonly order: Checkout;
  readonly happening: Happening;
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
  readonly step: (say: string, happening: Omit<Happening, "transactionId"> & { transactionId?: string }) => Step;
};

function life(random: Random, at: Instant, test: boolean): Life {
  const order: Checkout = checkout(random, random.pick(people), at, test);
  return {
    first: order.person.first,
    step: (say, happening) => ({
      at: happening.at,
      say,
      order,
      happening: { transactionId: newTransactionId(random), ...happening },
    }),
  };
}

/** One payment for one article. */
function sale({ first, step }: Life, at: Instant, article: Article = course): Step {
  return step(`${first} buys "${article.name}" for ${euros(article.cents)}.`, { kind: "payment", article, at });
}

/** Payment number `rate` of a plan; `next` is the day of the one after it. */
function payment(
  { first, step }: Life,
  { article, rate, at, next }: { article: Article; rate: number; at: Instant; next: Day | null },
): Step {
  const say =
    rate === 1
      ? `${first} begins "${article.name}": the first payment of ${euros(article.cents)} is in.`
      : `Payment ${rate} of ${euros(article.cents)} is in.`;
  return step(say, { kind: "payment", article, rate, next, at });
}

function refund({ first, step }: Life, paid: Step, at: Instant, cents: number): Step {
  const paymentId = paid.happening.transactionId;
  return step(`${first} gets ${euros(cents)} back.`, { kind: "refund", article: course, cents, paymentId, at });
}

/** Three months of a subscription: paid, paid, failed, recovered two days later. */
function subscription(random: Random, start: Instant, test: boolean): Step[] {
  const buyer = life(random, start, test);
  const second = later(start, { months: 1 });
  const third = later(start, { months: 2 });
  const next = dayIn(later(start, { months: 3 }));
  return [
    payment(buyer, { article: club, rate: 1, at: start, next: dayIn(second) }),
    buyer.step("The next payment is announced. That is no payment.", {
      kind: "announced",
      article: club,
      next: dayIn(second),
      at: later(second, { days: -3 }),
    }),
    payment(buyer, { article: club, rate: 2, at: second, next: dayIn(third) }),
    buyer.step("Payment 3 fails: the card has expired. Access goes on for the days of grace.", {
      kind: "payment_failed",
      article: club,
      rate: 3,
      next,
      at: third,
    }),
    payment(buyer, { article: club, rate: 3, at: later(third, { days: 2 }), next }),
  ];
}

function disputed(buyer: Life, start: Instant, kind: "dispute_won" | "dispute_lost", say: string): Step[] {
  const paid = sale(buyer, start);
  const opened = buyer.step(`The bank takes ${euros(course.cents)} back.`, {
    kind: "dispute_opened",
    article: course,
    paymentId: paid.happening.transactionId,
    at: later(start, { days: 20 }),
  });
  return [paid, opened, buyer.step(say, { ...opened.happening, kind, at: later(start, { days: 38 }) })];
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
      return [
        sale(buyer, start),
        buyer.step(say, { kind: "payment", article: book, upsell: true, at: start + 60_000 }),
      ];
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
      return [
        buyer.step(say, { kind: "trial", article: club, cents: 0, next: dayIn(end), at: start }),
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
      const cancelled = {
        kind: "cancelled",
        article: club,
        cancelledFor: end,
        at: later(second, { days: 8 }),
      } as const;
      return [
        payment(buyer, { article: club, rate: 1, at: start, next: dayIn(second) }),
        payment(buyer, { article: club, rate: 2, at: second, next: end }),
        buyer.step(`${buyer.first} cancels for ${end}.`, cancelled),
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
      const paid = sale(buyer, start);
      return [paid, refund(buyer, paid, later(start, { days: 2 }), course.cents)];
    },
  },
  {
    name: "partial-refund",
    title: "half of the price is given back; access stays",
    ago: { days: 3 },
    articles: [course],
    tell(random, start, test) {
      const buyer = life(random, start, test);
      const paid = sale(buyer, start);
      return [paid, refund(buyer, paid, later(start, { days: 2 }), course.cents / 2)];
    },
  },
  {
    name: "chargeback",
    title: "the bank takes the money back, and the vendor wins the case",
    ago: { days: 40 },
    articles: [course],
    tell(random, start, test) {
      const buyer = life(random, start, test);
      return disputed(buyer, start, "dispute_won", "The case is decided for the vendor.");
    },
  },
  {
    name: "chargeback-lost",
    title: "the bank takes the money back, and the vendor loses the case",
    ago: { days: 40 },
    articles: [course],
    tell(random, start, test) {
      const buyer = life(random, start, test);
      return disputed(buyer, start, "dispute_lost", "The case is decided against the vendor.");
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
      const first = sale(life(random, start, test), start);
      return [
        { ...first, copies: 2 },
        { ...first, say: "The same notification is sent once more." },
      ];
    },
  },
];

function euros(cents: number): string {
  return `${(cents / 100).toFixed(2)} EUR`;
}
