import { describe, expect, test } from "vitest";
import { type Mail, openShop, type Order, type Shop, sign } from "../testing/shop.ts";

/* What the operator does by hand, and what follows from it. */

type Connection = {
  id: string;
  url: string;
  secret?: string;
  secrets: { id: string; expires_at: string | null }[];
  last_received_at: string | null;
  last_refused: { reason: string; sentence: string } | null;
  unmapped_products: string[];
};

describe("connections", () => {
  test("a secret is never shown again, and old and new overlap after a rotation", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    const made = await shop.ok<Connection>("POST", "/v1/connections", { protocol: "copecart", name: "Second" });
    expect(made.secret).toMatch(/^[\w-]{43}$/);
    const rotated = await shop.ok<Connection>("POST", `/v1/connections/${made.id}/secrets`, { secret: "new-one\r\n" });
    expect(rotated.secrets.map(({ expires_at }) => expires_at)).toEqual(["2026-03-02T09:00:00.000Z", null]);
    const shown = await shop.ok<Connection>("GET", `/v1/connections/${made.id}`);
    expect(JSON.stringify(shown)).not.toMatch(new RegExp(`new-one|${made.secret}`));
    const [old, current] = shown.secrets;
    await shop.ok("DELETE", `/v1/connections/${made.id}/secrets/${old!.id}`);
    const last = await shop.api("DELETE", `/v1/connections/${made.id}/secrets/${current!.id}`);
    expect(last).toMatchObject({ status: 409, json: { code: "last_secret" } });
  });

  test("it shows when it last heard something, why it last refused, and what is not mapped", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.notify({ product_id: "p-777" });
    const bytes = shop.bytes({});
    await shop.post(bytes, sign(bytes, "another secret"));
    const [health] = (await shop.ok<{ data: Connection[] }>("GET", "/v1/connections")).data;
    expect(health).toMatchObject({
      last_received_at: "2026-03-01T09:00:00.000Z",
      last_refused: { reason: "signature_mismatch" },
      unmapped_products: ["p-777"],
    });
  });
});

describe("products", () => {
  test("a removed source takes nothing from who has bought, and later orders are unmapped", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    const { id } = await shop.product({ product_id: "4be81c07", features: ["course"] });
    await shop.notify({ order_id: "FIRST" });
    await shop.ok("PATCH", `/v1/products/${id}`, { sources: [] });
    await shop.notify({ order_id: "SECOND", buyer_email: "lee@example.com" });
    expect(await shop.allowed("kim@example.com", "course")).toBe(true);
    expect(await shop.allowed("lee@example.com", "course")).toBe(false);
    expect(await shop.order("SECOND")).toMatchObject({ items: [{ mapped: false, waiting: "product_unmapped" }] });
  });

  test("a changed feature opens for everybody who has the product, and null takes a part away", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    const { id } = await shop.product({ product_id: "4be81c07", features: ["course"], login: {} });
    await shop.notify({});
    const changed = await shop.ok<object>("PATCH", `/v1/products/${id}`, {
      features: ["course", "bonus"],
      login: null,
    });
    expect(changed).not.toHaveProperty("login");
    expect(changed).toMatchObject({ name: "Product", sources: [{ protocol: "copecart", product_id: "4be81c07" }] });
    expect(await shop.allowed("kim@example.com", "bonus")).toBe(true);
    const { data } = await shop.ok<{ data: { type: string; data: { feature: string } }[] }>("GET", "/v1/events");
    expect(data.map((event) => `${event.type} ${event.data.feature}`)).toContain("access.granted bonus");
  });

  test("keys come as lines too, and those that are there already are counted", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    const { id } = await shop.product({ product_id: "4be81c07", features: ["course"], licence: {} });
    await shop.notify({});
    expect((await shop.order("A1B2C3D4")).items[0]!.key_follows).toBe(true);
    expect(await waitingKinds(shop)).toEqual(["key_follows"]);
    const response = await shop.paybell.fetch(
      new Request(`http://127.0.0.1:8787/v1/products/${id}/keys`, {
        method: "POST",
        headers: { authorization: "Bearer pb_live_a-key-for-tests-only-0123456789", "content-type": "text/plain" },
        body: "AAAA-1\r\nBBBB-2\n\naaaa1\nCCCC-3\n",
      }),
    );
    expect(await response.json()).toEqual({ added: 3, duplicates: 1, left: 2 });
    expect((await shop.order("A1B2C3D4")).items[0]).toMatchObject({ key_follows: false, licence: { state: "active" } });
    expect(await waitingKinds(shop)).toEqual([]);
    expect(await shop.ok("GET", `/v1/products/${id}`)).toMatchObject({ keys: { left: 2, given: 1 } });
  });

  test("an archived product is hidden, its sources are free, and its buyers keep it", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    const { id } = await shop.product({ product_id: "4be81c07", features: ["course"] });
    await shop.notify({});
    await shop.ok("DELETE", `/v1/products/${id}`);
    expect((await shop.ok<{ data: unknown[] }>("GET", "/v1/products")).data).toEqual([]);
    expect(await shop.allowed("kim@example.com", "course")).toBe(true);
    await shop.product({ product_id: "4be81c07", features: ["other"] });
  });
});

describe("access at an instant", () => {
  test("in the past it is what was known then, in the future what will be", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["course"], settings: { duration: "P30D" } });
    await shop.notify({ transaction_id: "t" });
    await shop.at("2026-03-05T10:00:00");
    await shop.notify({ event_type: "payment.refunded", transaction_type: "refund", payment_status: "refunded" });
    const at = (time: string) => shop.allowed("Kim@Example.com ", "course", time);
    expect(await at("2026-03-01T09:59:59")).toBe(false);
    expect(await at("2026-03-01T10:00:00")).toBe(true);
    expect(await at("2026-03-05T09:59:59")).toBe(true);
    expect(await at("2026-03-05T10:00:00")).toBe(false);
    expect(await at("2026-03-20T10:00:00")).toBe(false);
  });

  test("the answer names rule, order and facts", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["course"] });
    await shop.notify({});
    expect(await shop.access("kim@example.com", "course")).toMatchObject({
      allowed: true,
      state: "active",
      until: null,
      until_day: null,
      because: [
        {
          rule: "R5",
          order_id: "A1B2C3D4",
          facts: [{ kind: "payment", at: "2026-03-01T09:00:00.000Z", amount: { minor: 9700, currency: "EUR" } }],
        },
      ],
    });
  });
});

describe("transactions", () => {
  test("they add up to the balance, whatever a bank changes its mind about", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["course"] });
    await shop.notify({ transaction_id: "pay" });
    await shop.at("2026-03-05T10:00:00");
    const chargeback = {
      event_type: "payment.charged_back",
      transaction_type: "chargeback",
      payment_status: "charged_back",
    };
    await shop.notify({ ...chargeback, transaction_id: "cb" });
    const order = await shop.order("A1B2C3D4");
    expect(order.transactions.map(({ kind, amount }) => [kind, amount.minor])).toEqual([
      ["payment", 9700],
      ["dispute_opened", -9700],
    ]);
    expect(order.balance.minor).toBe(0);
    expect(order.state).toBe("suspended");
  });
});

describe("a corrected address", () => {
  async function bought(): Promise<{ shop: Shop; order: Order }> {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["course"], login: { url: "https://app.example.com" } });
    await shop.notify({ buyer_email: "kmi@example.com" });
    return { shop, order: await shop.order("A1B2C3D4") };
  }

  test("gets the access data again with new links, and the order record keeps what was typed", async () => {
    const { shop, order } = await bought();
    const links = async () =>
      (await shop.mails()).map((mail) => [mail.to ?? mail.intended_for, /\/login\/[\w-]+/.exec(mail.text)?.[0]]);
    const [[, first]] = (await links()) as [[string, string]];
    await shop.at("2026-03-01T11:00:00");
    const changed = await shop.ok<Order>("POST", `/v1/orders/${order.id}/contact`, { email: "kim@example.com" });
    expect(changed).toMatchObject({ email: "kmi@example.com", contact_email: "kim@example.com" });
    expect(changed.timeline.map(({ kind }) => kind)).toContain("contact_changed");
    expect(await shop.allowed("kim@example.com", "course")).toBe(true);
    expect(await shop.allowed("kmi@example.com", "course")).toBe(false);
    const [[to, second]] = (await links()) as [[string, string]];
    expect(to).toBe("kim@example.com");
    expect(second).not.toBe(first);
    const { data } = await shop.ok<{ data: { type: string }[] }>("GET", "/v1/events?after=start");
    // Within one instant there is no order among them.
    expect(data.map(({ type }) => type).toSorted()).toEqual([
      "access.granted",
      "access.granted",
      "access.revoked",
      "customer.changed",
      "customer.created",
      "customer.created",
      "order.created",
      "payment.made",
    ]);
  });

  test("a second resend sends once more, and an order with nothing open has nothing to send", async () => {
    const { shop, order } = await bought();
    await shop.ok("POST", `/v1/orders/${order.id}/resend`);
    expect(await shop.mailKinds()).toEqual(["access_data", "access_data"]);
    await shop.notify({ event_type: "payment.refunded", transaction_type: "refund", payment_status: "refunded" });
    expect(await shop.api("POST", `/v1/orders/${order.id}/resend`)).toMatchObject({
      status: 409,
      json: { code: "nothing_open" },
    });
  });
});

describe("erasing a customer", () => {
  test("takes the person out of everything, keeps the money, and later notifications bring nobody back", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["course"] });
    await shop.notify({ transaction_id: "t1" });
    const order = await shop.order("A1B2C3D4");
    const customer = (await shop.ok<{ data: { id: string }[] }>("GET", "/v1/customers")).data[0]!.id;
    const resend = () =>
      shop.paybell.fetch(
        new Request(`http://127.0.0.1:8787/v1/orders/${order.id}/resend`, {
          method: "POST",
          headers: { authorization: "Bearer pb_live_a-key-for-tests-only-0123456789", "idempotency-key": "once" },
        }),
      );
    expect(await (await resend()).text()).toContain("kim@example.com");
    await shop.ok("DELETE", `/v1/customers/${customer}`);
    expect(await (await resend()).text()).toContain("customer_erased");
    await shop.notify({ transaction_id: "t1", event_type: "payment.refunded", transaction_type: "refund" });
    const everything: unknown[] = [];
    for (const path of ["orders", "customers", "mails", "events", "alarms", "waiting", "notifications"])
      everything.push(await shop.ok("GET", `/v1/${path}?limit=200`));
    for (const { id } of await shop.notifications())
      everything.push({ ...(await shop.ok<object>("GET", `/v1/notifications/${id}`)), body_base64: null });
    expect(JSON.stringify(everything)).not.toMatch(/kim|Example"/i);
    expect(await shop.order("A1B2C3D4")).toMatchObject({ id: order.id, email: null, order_id: "A1B2C3D4" });
    expect((await shop.order("A1B2C3D4")).timeline.map(({ kind }) => kind)).toContain("payment");
    expect(await shop.allowed("kim@example.com", "course")).toBe(false);
    await shop.ok("DELETE", `/v1/customers/${customer}`);
  });
});

describe("customers", () => {
  test("a buyer who carries the signed reference is that customer, whatever address is typed", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["course"] });
    const made = await shop.ok<{ id: string; checkout_reference: string }>("POST", "/v1/customers", {
      reference: "u-1",
    });
    await shop.notify({ metadata: made.checkout_reference, buyer_email: "typed@example.com" });
    expect(await shop.ok("GET", "/v1/access?reference=u-1&feature=course")).toMatchObject({ allowed: true });
    expect(await shop.ok("GET", `/v1/access?customer=${made.id}`)).toMatchObject({
      data: [{ feature: "course", allowed: true }],
    });
    expect(await shop.allowed("typed@example.com", "course")).toBe(false);
  });
});

async function waitingKinds(shop: Shop): Promise<string[]> {
  return (await shop.ok<{ data: { kind: string }[] }>("GET", "/v1/waiting")).data.map(({ kind }) => kind);
}

test("a mail is found by its reader, its order and its state, and holds its text", async () => {
  const shop = await openShop("2026-03-01T10:00:00");
  await shop.product({ product_id: "4be81c07", features: ["course"] });
  await shop.notify({});
  const found = async (query: Record<string, string>): Promise<Mail[]> => shop.mails(query);
  expect(await found({ email: "KIM@example.com", order_id: "A1B2C3D4", kind: "access_data" })).toMatchObject([
    { to: "kim@example.com", text: expect.stringContaining("Product") as string },
  ]);
  expect(await found({ email: "lee@example.com" })).toEqual([]);
  expect(await found({ order_id: "other" })).toEqual([]);
});
