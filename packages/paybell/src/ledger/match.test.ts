import { expect, test } from "vitest";
import { randomFrom } from "../simulate/random.ts";
import { stories } from "../simulate/stories.ts";
import { stripeVoice as voice } from "../simulate/voices/stripe.ts";
import { berlin, iso, openShop, type Shop } from "../testing/shop.ts";

/* Messages that know their order by one of its other names, in whatever order they come. Stripe has many of them. */

const start = "2026-01-15T10:00:00";
const secret = voice.secretFor("a secret of this test");

test.each(
  ["one-time", "subscription", "trial", "cancelled", "refund", "partial-refund", "chargeback"].flatMap((name) =>
    [1, 2].map((seed) => ({ name, seed })),
  ),
)("$name comes to the same whatever comes first (shuffled by $seed)", async ({ name, seed }) => {
  const inOrder = await toldInOrder(name);
  const shuffled = await told(name, (bodies) => randomFrom(seed).shuffled(bodies));
  expect(shuffled).toEqual(inOrder);
});

test("a refund before its sale waits visibly, and counts as soon as the sale is told", async () => {
  const { shop, bring, bodies } = await open("refund");
  const refunds = bodies.filter((body) => /"refund"|"charge.refunded"/.test(body));
  const sale = bodies.filter((body) => !refunds.includes(body));
  for (const body of refunds) await bring(body);
  const waiting = await shop.notifications({ state: "waiting" });
  expect(new Set(waiting.map(({ reason }) => reason))).toEqual(new Set(["order_unknown"]));
  const { data } = await shop.ok<{ data: { kind: string; what_to_do: string }[] }>("GET", "/v1/waiting");
  expect(data[0]).toMatchObject({ kind: "order_unknown", what_to_do: expect.stringContaining("the sale") });
  expect((await shop.paybell.rebuild()).differences).toEqual([]);
  for (const body of sale) await bring(body);
  expect(await shop.notifications({ state: "waiting" })).toEqual([]);
  const { data: orders } = await shop.ok<{ data: { balance: { minor: number } }[] }>("GET", "/v1/orders");
  expect(orders.map(({ balance }) => balance.minor)).toEqual([0]);
});

test("what waits for its order is erased with the person it names", async () => {
  const { shop, bring, bodies, email } = await open("refund");
  for (const body of bodies.filter((one) => !one.includes("checkout.session.completed"))) await bring(body);
  for (const body of bodies.filter((one) => one.includes("checkout.session.completed"))) await bring(body);
  const { data } = await shop.ok<{ data: { id: string }[] }>("GET", `/v1/customers?email=${encodeURIComponent(email)}`);
  await shop.ok("DELETE", `/v1/customers/${data[0]!.id}`);
  for (const { id } of await shop.notifications()) {
    const kept = JSON.stringify(await shop.ok("GET", `/v1/notifications/${id}`));
    expect(kept).not.toContain(email);
  }
  expect((await shop.paybell.rebuild()).differences).toEqual([]);
});

/** Told once, whatever is compared with it. */
function toldInOrder(name: string) {
  const known = ordered.get(name) ?? told(name, (bodies) => bodies);
  ordered.set(name, known);
  return known;
}

const ordered = new Map<string, ReturnType<typeof told>>();

async function told(name: string, arranged: (bodies: readonly string[]) => readonly string[]) {
  const { shop, bring, bodies, email } = await open(name);
  for (const body of arranged(bodies)) await bring(body);
  const looks = [];
  for (const days of [0, 5, 40, 100]) {
    const query = new URLSearchParams({ email, at: iso(shop.now() + days * 86_400_000) });
    const { data } = await shop.ok<{ data: Seen[] }>("GET", `/v1/access?${query}`);
    looks.push(data.map(({ feature, allowed, state, until_day }) => ({ feature, allowed, state, until_day })));
  }
  const { data } = await shop.ok<{ data: Ordered[] }>("GET", "/v1/orders");
  expect((await shop.paybell.rebuild()).differences).toEqual([]);
  const orders = data.map(({ order_id, balance, items }) => ({ order_id, balance, items: items.map(shown) }));
  const waiting = (await shop.notifications({ state: "waiting" })).map(({ reason }) => reason);
  return { looks, orders, waiting };
}

function shown({ state, paid_through, balance, rates }: Ordered["items"][number]) {
  return { state, paid_through, balance, rates };
}

type Seen = { feature: string; allowed: boolean; state: string; until_day: string | null };
type Ordered = Awaited<ReturnType<Shop["order"]>>;

/** A shop, and everything a story tells, told after its end. */
async function open(name: string) {
  const story = stories.find((one) => one.name === name)!;
  const steps = story.tell(randomFrom(7), berlin(start), false);
  const shop = await openShop(iso(Math.max(...steps.map(({ at }) => at)) + 60_000), { newConnection: false });
  const { url } = await shop.ok<{ url: string }>("POST", "/v1/connections", {
    protocol: voice.protocol,
    name: "Shop",
    secrets: [secret],
  });
  for (const article of story.articles) {
    const sources = [{ protocol: voice.protocol, product_id: voice.productId(article) }];
    await shop.ok("POST", "/v1/products", { name: article.name, features: article.features, sources });
  }
  const bodies = steps.flatMap(({ order, happening }) =>
    voice.tell(order, happening).map(({ body }) => new TextDecoder().decode(body)),
  );
  const bring = async (text: string) => {
    const telling = { event: "", body: new TextEncoder().encode(text) };
    const { headers, body } = await voice.sign(telling, secret, shop.now());
    const response = await shop.paybell.fetch(new Request(url, { method: "POST", headers, body }));
    expect(response.status).toBe(200);
    await shop.paybell.settle();
  };
  return { shop, bring, bodies, email: steps[0]!.order.email };
}
