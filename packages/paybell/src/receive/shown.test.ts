import { expect, test } from "vitest";
import { createPool } from "../db/pool.ts";
import { course, people } from "../simulate/catalogue.ts";
import { type Checkout, checkout, type Happening } from "../simulate/happening.ts";
import { randomFrom } from "../simulate/random.ts";
import { digistore24Voice as voice } from "../simulate/voices/digistore24.ts";
import { emptyDatabase } from "../testing/database.ts";
import { openShop, type Shop } from "../testing/shop.ts";

/* What Digistore24 shows its buyer from our answer. Source: docs/rules.md, R21 */

const secret = "a-passphrase-for-tests";
const login = { url: "https://app.example.de/login" };

test("the answer to a sale carries what opens the account, and a repeat gets the same again", async () => {
  const { shop, url } = await open({ login, licence: {} }, ["AAAA-BBBB-CCCC-0001"]);
  const order = buys(1);
  const first = await bring(shop, url, order);
  expect(first).toMatch(/^OK\n/);
  expect(first).toContain(`username: ${order.email}`);
  expect(first).toMatch(/^loginurl: http:\/\/127\.0\.0\.1:8787\/login\/[\w-]{20,}$/m);
  expect(first).toContain("Dein Lizenzschlüssel: AAAA-BBBB-CCCC-0001");
  expect(await bring(shop, url, order)).toBe(first);
  await shop.at("2026-03-05");
  expect(await bring(shop, url, order)).toBe(first);
});

test("the link of the answer is another than that of the mail: using one leaves the other", async () => {
  const { shop, url } = await open({ login });
  const shown = /^loginurl: (.*)$/m.exec(await bring(shop, url, buys(1)))?.[1];
  await shop.paybell.settle();
  const [mail] = await shop.mails();
  expect(mail?.text).toContain("/login/");
  expect(mail?.text).not.toContain(shown);
});

test("a further order for an existing account gets the login address and nothing that logs in", async () => {
  const { shop, url } = await open({ login });
  const order = buys(1);
  await bring(shop, url, order);
  await shop.at("2026-03-03");
  const again = await bring(shop, url, { ...buys(2), email: order.email.toUpperCase() });
  expect(again).toContain(`loginurl: ${login.url}`);
  expect(again).not.toContain("/login/");
  expect(again).not.toContain("username");
});

test("a customer who was known before their first order is shown nothing that logs in", async () => {
  const { shop, url } = await open({ login });
  await shop.ok("POST", "/v1/connections", { protocol: "copecart", name: "Other", secrets: ["a-secret-for-tests"] });
  const order = buys(1);
  await shop.product({ product_id: "4be81c07", name: "Elsewhere" });
  const { data } = await shop.ok<{ data: { url: string; protocol: string }[] }>("GET", "/v1/connections");
  const copecart = data.find(({ protocol }) => protocol === "copecart")!.url;
  expect((await shop.post(shop.bytes({ buyer_email: order.email }), undefined, copecart)).body).toBe("OK");
  await shop.paybell.settle();
  await shop.at("2026-03-02");
  expect(await bring(shop, url, order)).not.toContain("/login/");
});

test("with nothing to show the answer is OK alone: refunds, unmapped products, a key that follows", async () => {
  const { shop, url } = await open({ licence: {} });
  const order = buys(1);
  expect(await bring(shop, url, order)).toBe("OK");
  const back = { kind: "refund", cents: 100, paymentId: "T1", transactionId: "T2" } as const;
  expect(await bring(shop, url, order, back)).toBe("OK");
  expect(await bring(shop, url, buys(2), { article: { ...course, id: "unmapped" } })).toBe("OK");
});

test("an address that was corrected makes what was shown useless", async () => {
  const { shop, url } = await open({ login });
  const order = buys(1);
  expect(await bring(shop, url, order)).toContain("loginurl");
  const { id } = await shop.order(order.orderId);
  await shop.ok("POST", `/v1/orders/${id}/contact`, { email: "kim.new@example.com" });
  expect(await bring(shop, url, order)).toBe("OK");
});

test("what is not ready in time is not waited for: the notification is safe, the mail has the data", async () => {
  const { connection } = await emptyDatabase();
  const database =
    typeof connection === "string"
      ? connection
      : `postgres://${connection.user}@localhost/${connection.database}?host=${encodeURIComponent(connection.host)}`;
  const { shop, url } = await open({ login }, [], database);
  const pool = createPool(connection, { max: 1 });
  const client = await pool.connect();
  await client.query("begin");
  await client.query("lock table item in exclusive mode");
  const order = buys(1);
  expect(await bring(shop, url, order)).toBe("OK");
  await client.query("rollback");
  client.release();
  await pool.end();
  await shop.paybell.settle();
  expect(await shop.allowed(order.email, "course")).toBe(true);
  expect(await bring(shop, url, order)).toContain("loginurl");
});

async function open(config: object, keys: readonly string[] = [], database?: string) {
  const shop = await openShop("2026-03-01T10:00:00", { newConnection: false, ...(database && { database }) });
  const { url } = await shop.ok<{ url: string }>("POST", "/v1/connections", {
    protocol: "digistore24",
    name: "Digistore24",
    secrets: [secret],
  });
  const sources = [{ protocol: "digistore24", product_id: course.id }];
  const { id } = await shop.ok<{ id: string }>("POST", "/v1/products", {
    name: "Kräuterkurs",
    features: ["course"],
    sources,
    ...config,
  });
  if (keys.length > 0) await shop.ok("POST", `/v1/products/${id}/keys`, { keys });
  return { shop, url };
}

function buys(seed: number): Checkout {
  return checkout(randomFrom(seed), people[0], Date.parse("2026-03-01T09:00:00Z"), false);
}

/** @returns the answer */
async function bring(shop: Shop, url: string, order: Checkout, more: Partial<Happening> = {}): Promise<string> {
  const at = Date.parse("2026-03-01T09:00:00Z");
  const happening = { kind: "payment", article: course, at, transactionId: `T-${order.orderId}`, ...more } as const;
  const [telling] = voice.tell(order, happening);
  const { headers, body } = await voice.sign(telling!, secret, at);
  const response = await shop.paybell.fetch(new Request(url, { method: "POST", headers, body }));
  expect(response.status).toBe(200);
  return response.text();
}
