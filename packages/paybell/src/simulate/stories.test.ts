import { assert, boolean, constantFrom, nat, property } from "fast-check";
import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { randomFrom } from "./random.ts";
import { dayIn, later } from "./happening.ts";
import { createShop } from "./shop.ts";
import { stories } from "./stories.ts";
import { voices } from "./voice.ts";
import { copecartVoice } from "./voices/copecart.ts";
import { protocolNamed } from "../domain/protocols.ts";

const now = Date.parse("2026-11-22T12:00:00Z");

const forms = (["text", "number"] as const).flatMap((money) =>
  (["null", "omit"] as const).map((missing) => copecartVoice({ money, missing })),
);
const told = [...forms, ...voices.slice(1)].flatMap((voice) => stories.map((story) => ({ voice, story })));

test.each(told)("everything $story.name tells through $voice.title can be read", ({ voice, story }) => {
  const protocol = protocolNamed(voice.protocol);
  return assert(
    property(nat(), boolean(), (seed, isTest) => {
      for (const { order, happening } of story.tell(randomFrom(seed), now, isTest)) {
        for (const { event, body } of voice.tell(order, happening)) {
          const read = protocol.parse(body);
          if (!read.ok) throw new Error(`${event}: ${read.sentence}`);
          expect(read.reading.event).toBe(event);
          if (read.reading.orderId !== undefined) expect(read.reading.orderId).toBe(voice.orderId(order, happening));
          expect([undefined, isTest ? "test" : "live"]).toContain(read.reading.mode);
        }
      }
    }),
    { numRuns: 20 },
  );
});

test.each(stories)("$name ends today at the latest, and is about one order and articles it names", (story) => {
  const { months = 0, days = 0 } = story.ago;
  const steps = story.tell(randomFrom(1), later(now, { months: -months, days: -days }), false);
  for (const { at } of steps) expect(at).toBeLessThanOrEqual(now + 60_000);
  expect(new Set(steps.map(({ order }) => order.orderId)).size).toBe(1);
  const sold = new Set(steps.map(({ happening }) => happening.article.id));
  expect([...sold].toSorted()).toEqual(story.articles.map(({ id }) => id).toSorted());
  for (const article of story.articles) expect(catalogue).toContain(article);
});

test("a seed decides everything, and another seed is another order", () => {
  for (const story of stories) {
    expect(story.tell(randomFrom(5), now, false)).toEqual(story.tell(randomFrom(5), now, false));
    expect(story.tell(randomFrom(5), now, false)[0]?.order.orderId).not.toBe(
      story.tell(randomFrom(6), now, false)[0]?.order.orderId,
    );
  }
});

test("buyers live at example.com and example.de", () =>
  assert(
    property(nat(), constantFrom(...stories), (seed, story) => {
      for (const { order } of story.tell(randomFrom(seed), now, false))
        expect(order.email).toMatch(/^[a-z]+\.[a-z]+\.[a-z0-9]{5}@example\.(com|de)$/);
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
