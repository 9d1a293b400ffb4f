import type { Instant } from "@paybell/protocols/domain/day";
import type { Random } from "./random.ts";
import { type Step, stories, type Story } from "./stories.ts";

/** A small shop that lives: now and then somebody begins a story, and its steps fall due one by one. */
export type Shop = {
  /** what happened up to `now` since it was last asked, in order */
  upTo(now: Instant): readonly Step[];
};

/** @param opens when its first buyer comes */
export function createShop(random: Random, opens: Instant): Shop {
  let ahead: Step[] = [];
  let nextBuyer = opens;
  return {
    upTo(now) {
      while (nextBuyer <= now) {
        ahead.push(...mixture[random.below(mixture.length)]!.tell(random, nextBuyer, false));
        nextBuyer += (0.2 + 1.2 * random.next()) * dayMs;
      }
      const due = ahead.filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at);
      ahead = ahead.filter(({ at }) => at > now);
      return due;
    },
  };
}

const dayMs = 86_400_000;

/** How often each story is begun; most sales are just sales. */
const shares: Readonly<Record<string, number>> = {
  "one-time": 6,
  upsell: 3,
  subscription: 6,
  instalments: 2,
  trial: 2,
  cancelled: 2,
  refund: 2,
  "partial-refund": 1,
  chargeback: 1,
  duplicates: 1,
};

const mixture = stories.flatMap((story) => Array<Story>(shares[story.name] ?? 0).fill(story));
