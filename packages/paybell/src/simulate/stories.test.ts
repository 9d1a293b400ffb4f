import { copecart } from "@paybell/protocols/copecart/copecart";
import { render } from "@paybell/protocols/copecart/render";
import { assert, boolean, constantFrom, nat, property } from "fast-check";
import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { randomFrom } from "./random.ts";
import { dayIn, later } from "./sale.ts";
import { createShop } from "./shop.ts";
import { stories } from "./stories.ts";

const now = Date.parse("2026-11-22T12:00:00Z");

test.each(stories)("everything $name tells can be read, in whichever form it is written", (story) =>
  assert(
    property(
      nat(),
      boolean(),
      constantFrom("text", "number"),
      constantFrom("null", "omit"),
      (seed, isTest, money, missing) => {
        for (const { message } of story.tell(randomFrom(seed), now, isTest)) {
          const read = copecart.parse(render(message, { money, missing }));
          expect(read).toMatchObject({ ok: true, reading: { orderId: message.order_id, event: message.event_type } });
          const mode = message.event_type.startsWith("payment.recurring.")
            ? [undefined, isTest ? "test" : "live"]
            : [isTest ? "test" : "live"];
          expect(mode).toContain(read.ok ? read.reading.mode : "unread");
        }
      },
    ),
    { numRuns: 20 },
  ),
);

test.each(stories)("$name ends today at the latest, and is about one order and articles it names", (story) => {
  const { months = 0, days = 0 } = story.ago;
  const steps = story.tell(randomFrom(1), later(now, { months: -months, days: -days }), false);
  for (const { at } of steps) expect(at).toBeLessThanOrEqual(now + 60_000);
  expect(new Set(steps.map(({ message }) => message.order_id)).size).toBe(1);
  const sold = new Set(steps.map(({ message }) => message.product_id));
  expect([...sold].toSorted()).toEqual(story.articles.map(({ id }) => id).toSorted());
  for (const article of story.articles) expect(catalogue).toContain(article);
});

test("a seed decides everything, and another seed is another order", () => {
  for (const story of stories) {
    expect(story.tell(randomFrom(5), now, false)).toEqual(story.tell(randomFrom(5), now, false));
    expect(story.tell(randomFrom(5), now, false)[0]?.message.order_id).not.toBe(
      story.tell(randomFrom(6), now, false)[0]?.message.order_id,
    );
  }
});

test("buyers live at example.com and example.de", () =>
  assert(
    property(nat(), constantFrom(...stories), (seed, story) => {
      for (const { message } of story.tell(randomFrom(seed), now, false))
        expect(message.buyer_email).toMatch(/^[a-z]+\.[a-z]+\.[a-z0-9]{5}@example\.(com|de)$/);
    }),
  ));

test("a month later is the same day, or the last one there is", () => {
  expect(dayIn(later(Date.parse("2026-01-31T10:00:00Z"), { months: 1 }))).toBe("2026-02-28");
  expect(dayIn(Date.parse("2026-01-31T23:30:00Z"))).toBe("2026-02-01");
});

test("a shop tells everything once, in order, however often it is asked", () => {
  const hours = Array.from({ length: 24 * 40 }, (_, hour) => now + hour * 3_600_000);
  const often = createShop(randomFrom(3), now);
  const told = hours.flatMap((at) => often.upTo(at));
  expect(told.length).toBeGreaterThan(40);
  expect(createShop(randomFrom(3), now).upTo(hours.at(-1)!)).toEqual(told.toSorted((a, b) => a.at - b.at));
});
