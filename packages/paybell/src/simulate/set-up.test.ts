import { expect, test } from "vitest";
import { apiKey, openShop } from "../testing/shop.ts";
import { createApiClient } from "./api-client.ts";
import { course } from "./catalogue.ts";
import { accessOf } from "./outcome.ts";
import { randomFrom } from "./random.ts";
import { setUp } from "./set-up.ts";
import { stories } from "./stories.ts";
import { voices } from "./voice.ts";

const url = "http://127.0.0.1:8787";

test.each(voices)("a test order of $title opens the test space alone, with what was set up for it", async (voice) => {
  const shop = await openShop("2026-01-15T10:00:00", { newConnection: false });
  const api = createApiClient({ url, key: apiKey, fetch: (request) => shop.paybell.fetch(request) });
  const live = await setUp(api, { url, key: apiKey }, [course], voice);
  const { target, made } = await setUp(api, { url, key: apiKey }, [course], voice, "test");
  expect(target.url === live.target.url).toBe(voice.testsApart === undefined);
  expect(made.length).toBe(voice.testsApart ? 1 : 0);
  expect(await setUp(api, { url, key: apiKey }, [course], voice, "test")).toEqual({ target, made: [] });

  const steps = stories.find(({ name }) => name === "one-time")!.tell(randomFrom(1), shop.now(), true);
  for (const { order, happening } of steps) {
    for (const telling of voice.tell(order, happening)) {
      const { headers, body } = await voice.sign(telling, target.secret, shop.now());
      const response = await shop.paybell.fetch(new Request(target.url, { method: "POST", headers, body }));
      expect(voice.accepts(response.status, await response.text())).toBe(true);
    }
  }
  await shop.paybell.settle();
  const { email } = steps[0]!.order;
  expect((await accessOf(api, email, "test")).map(({ feature, allowed }) => [feature, allowed])).toEqual([
    ["course", true],
  ]);
  expect((await accessOf(api, email, "live")).filter(({ allowed }) => allowed)).toEqual([]);
});
