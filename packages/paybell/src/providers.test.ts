import { expect, test } from "vitest";
import { defaults } from "./domain/settings.ts";
import { dayIn, later } from "./simulate/happening.ts";
import { randomFrom } from "./simulate/random.ts";
import { stories, type Story } from "./simulate/stories.ts";
import { type Voice, voices } from "./simulate/voice.ts";
import { copecartVoice } from "./simulate/voices/copecart.ts";
import { berlin, iso, openShop } from "./testing/shop.ts";

/* One ledger over every provider: the same story sold through two of them ends in the same access. */

const start = "2026-01-15T10:00:00";
const day = 86_400_000;

test.each(
  voices
    .slice(1)
    .flatMap((voice) => stories.filter((story) => canTell(voice, story)).map((story) => ({ voice, story }))),
)("$story.name through $voice.title gives the access it gives through CopeCart", async ({ voice, story }) => {
  const [here, there] = [await lived(voice, story), await throughCopecart(story)];
  expect(here.slice(-afterwards.length)).toEqual(there.slice(-afterwards.length));
  // Out of order, which month a payment is for is known at the end alone where the provider does not number them.
  if (story.name !== "shuffled" || numbering.has(voice.protocol)) expect(here).toEqual(there);
});

/** Lived once, whoever is compared with it. */
function throughCopecart(story: Story): Promise<unknown[]> {
  const known = lives.get(story.name) ?? lived(copecartVoice(), story);
  lives.set(story.name, known);
  return known;
}

const lives = new Map<string, Promise<unknown[]>>();

/** Days after the end. */
const afterwards = [1, 10, 40, 400];
const numbering = new Set(["digistore24", "hotmart"]);

/** An announcement is no news; what else a provider has no words for makes it another story. */
function canTell(voice: Voice, story: Story): boolean {
  return story
    .tell(randomFrom(7), berlin(start), false)
    .every(({ order, happening }) => happening.kind === "announced" || voice.tell(order, happening).length > 0);
}

/** What its buyer may use after each step, and later. */
async function lived(voice: Voice, story: Story): Promise<unknown[]> {
  const shop = await openShop(start, { newConnection: false });
  const secret = voice.secretFor("a secret of this test");
  const { url } = await shop.ok<{ url: string }>("POST", "/v1/connections", {
    protocol: voice.protocol,
    name: "Shop",
    secrets: [secret],
  });
  for (const article of story.articles) {
    const { name, features } = article;
    const sources = [{ protocol: voice.protocol, product_id: voice.productId(article) }];
    await shop.ok("POST", "/v1/products", { name, features, sources });
  }
  const steps = story.tell(randomFrom(7), berlin(start), false);
  const seen: unknown[] = [];
  const look = async (at: number) => {
    const query = new URLSearchParams({ email: steps[0]!.order.email, at: iso(at) });
    const { data } = await shop.ok<{ data: Seen[] }>("GET", `/v1/access?${query}`);
    const graceEnd = dayIn(later(at, { days: defaults.grace_days }));
    seen.push(
      data.map(({ feature, allowed, state, until_day }) => ({
        feature,
        allowed,
        // Some name the hour a payment is due, others the day: on that day it is overdue through the former alone.
        state: state === "overdue" && until_day === graceEnd ? "active" : state,
        until_day,
      })),
    );
  };
  for (const { at, order, happening, copies = 1 } of steps) {
    await shop.at(Math.max(shop.now(), at));
    for (const telling of voice.tell(order, happening)) {
      for (let copy = 0; copy < copies; copy++) {
        const { headers, body } = await voice.sign(telling, secret, shop.now());
        const response = await shop.paybell.fetch(new Request(url, { method: "POST", headers, body }));
        const answer = await response.text();
        expect([response.status, answer, voice.accepts(response.status, answer)]).toEqual([200, answer, true]);
      }
    }
    await shop.paybell.settle();
    if (voice.tell(order, happening).length > 0 && happening.kind !== "announced") await look(shop.now());
  }
  expect(await shop.notifications({ state: "waiting" })).toEqual([]);
  const end = shop.now();
  for (const days of afterwards) {
    await shop.at(end + days * day);
    await look(shop.now());
  }
  expect(await shop.paybell.rebuild()).toMatchObject({ differences: [] });
  return seen;
}

type Seen = { feature: string; allowed: boolean; state: string; until_day: string | null };
