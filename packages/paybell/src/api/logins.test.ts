import { describe, expect, test } from "vitest";
import { type Mail, type Message, openShop, type Shop } from "../testing/shop.ts";

const refund: Message = {
  event_type: "payment.refunded",
  payment_status: "successed_refunded",
  transaction_type: "refund",
};

async function sell(login: Message = { url: "https://app.shop.example/enter?from=mail#start" }, sale: Message = {}) {
  const shop = await openShop("2026-03-03T10:00:00");
  const product = await shop.product({ product_id: "4be81c07", features: ["course"], login });
  await shop.notify(sale);
  const [mail] = await shop.mails();
  return { shop, product, ...wayIn(mail!) };
}

/** The link and the code as they stand in a mail. */
function wayIn({ text }: Mail) {
  return {
    path: /http:\/\/127\.0\.0\.1:8787(\/login\/[\w-]+)/.exec(text)![1]!,
    code: /^ {4}(\d{8})$/m.exec(text)![1]!,
  };
}

async function visit(shop: Shop, method: "GET" | "POST", path: string, language = "en") {
  const response = await shop.paybell.fetch(
    new Request(`http://127.0.0.1:8787${path}`, { method, headers: { "accept-language": language } }),
  );
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Presses the button. @returns the ticket the browser is sent away with */
async function enter(shop: Shop, path: string): Promise<string> {
  const { status, headers } = await visit(shop, "POST", path);
  expect(status).toBe(303);
  return new URL(headers.get("location")!).searchParams.get("ticket")!;
}

const exchange = (shop: Shop, code: string, email = "Kim@Example.com") =>
  shop.api("POST", "/v1/logins", { email, code });
const wrong = (code: string) => String((Number(code) + 1) % 100_000_000).padStart(8, "0");

const request = (shop: Shop, email: string, more: Message = {}) =>
  shop.api("POST", "/v1/logins/request", { email, ...more });

describe("a login link", () => {
  test("is not used up by those who only look, and logs in once", async () => {
    const { shop, product, path } = await sell();
    for (let n = 0; n < 3; n++) expect((await visit(shop, "GET", path)).status).toBe(200);
    const ticket = await enter(shop, path);
    const exchange = () => shop.api("POST", "/v1/logins", { ticket });
    expect(await exchange()).toMatchObject({
      status: 200,
      json: {
        customer: { email: "kim@example.com", reference: null },
        order_id: "A1B2C3D4",
        product_id: product.id,
        mode: "live",
      },
    });
    expect(await exchange()).toMatchObject({ status: 401, json: { code: "ticket_invalid" } });
    const again = await visit(shop, "POST", path);
    expect(again.status).toBe(410);
    expect(again.text).toContain("already used");
  });

  test("pressed twice at once, it makes one ticket", async () => {
    const { shop, path } = await sell();
    const answers = await Promise.all(Array.from({ length: 5 }, () => visit(shop, "POST", path)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([303, 410, 410, 410, 410]);
  });

  test("the ticket goes behind the query and before the fragment of the seller's address", async () => {
    const { shop, path } = await sell();
    const { headers } = await visit(shop, "POST", path);
    expect(headers.get("location")).toMatch(/^https:\/\/app\.shop\.example\/enter\?from=mail&ticket=[\w-]{43}#start$/);
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
  });

  test("a ticket is worthless after five minutes", async () => {
    const { shop, path } = await sell();
    const ticket = await enter(shop, path);
    await shop.at("2026-03-03T10:05:00");
    expect((await shop.api("POST", "/v1/logins", { ticket })).status).toBe(401);
  });

  test("without an address of the seller's app the page says that the address is confirmed", async () => {
    const { shop, path } = await sell({});
    const { status, text } = await visit(shop, "POST", path);
    expect(status).toBe(200);
    expect(text).toContain("Your address is confirmed");
  });

  test("an expired one says so, and sends a new one to the same address", async () => {
    const { shop, path } = await sell();
    await shop.at("2026-03-20");
    const expired = await visit(shop, "GET", path);
    expect(expired.status).toBe(410);
    expect(expired.text).toContain("expired");
    expect(expired.text).toContain(`action="${path}/new"`);
    expect((await visit(shop, "POST", path)).status).toBe(410);
    expect((await visit(shop, "POST", `${path}/new`)).text).toContain("Look into your inbox");
    await shop.paybell.settle();
    const [mail] = await shop.mails({ kind: "login" });
    expect(mail).toMatchObject({ to: "kim@example.com" });
    expect(await enter(shop, wayIn(mail!).path)).toMatch(/^[\w-]{43}$/);
  });

  test("when access has ended, the page says so, nobody gets in, and no new link is sent", async () => {
    const { shop, path } = await sell();
    await shop.notify(refund);
    for (const method of ["GET", "POST"] as const) {
      const page = await visit(shop, method, path);
      expect(page.status).toBe(403);
      expect(page.text).toContain("Your access is not open");
    }
    await visit(shop, "POST", `${path}/new`);
    expect(await shop.mails({ kind: "login" })).toEqual([]);
  });

  test("one that a corrected address has replaced opens nothing and brings no new one to the wrong mailbox", async () => {
    const { shop, path } = await sell();
    const order = await shop.order("A1B2C3D4");
    await shop.ok("POST", `/v1/orders/${order.id}/contact`, { email: "kim.right@example.com" });
    const page = await visit(shop, "POST", path);
    expect(page.status).toBe(410);
    expect(page.text).toContain("no longer good");
    await visit(shop, "POST", `${path}/new`);
    await shop.paybell.settle();
    expect(await shop.mails({ kind: "login" })).toEqual([]);
  });

  test("one that never was is not found, in the reader's language", async () => {
    const { shop } = await sell();
    const german = await visit(shop, "GET", "/login/nothing", "fr-FR, de-AT;q=0.8, en;q=0.7");
    expect(german.status).toBe(404);
    expect(german.text).toContain("Diesen Link gibt es nicht");
    expect((await visit(shop, "GET", "/login/nothing", "en-US")).text).toContain("There is no such link");
  });

  test("the page runs nothing, loads nothing, is kept nowhere, and its form may lead to the seller's app", async () => {
    const { shop, path } = await sell();
    const { headers, text } = await visit(shop, "GET", path);
    const policy = headers.get("content-security-policy")!;
    expect(policy).toMatch(/default-src 'none'; style-src 'sha256-[\w+/]{43}='; form-action 'self' https:/);
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(text).not.toMatch(/<script|<img|<link|src=|javascript:/i);
  });

  test("names typed by a seller cannot break out of the page", async () => {
    const shop = await openShop("2026-03-03");
    await shop.product({ product_id: "4be81c07", name: '<script>alert("x")</script>', login: {} });
    await shop.notify({});
    const [mail] = await shop.mails();
    const { text } = await visit(shop, "GET", wayIn(mail!).path);
    expect(text).toContain("&lt;script&gt;");
    expect(text).not.toContain("<script");
  });

  test("a live key does not take the ticket of a test order", async () => {
    const { shop } = await sell();
    await shop.notify({ order_id: "TEST0001", test_payment: true });
    const [mail] = await shop.mails({ mode: "test" });
    const ticket = await enter(shop, wayIn(mail!).path);
    expect((await shop.api("POST", "/v1/logins", { ticket })).status).toBe(403);
    expect(await shop.api("POST", "/v1/logins?mode=test", { ticket })).toMatchObject({
      status: 200,
      json: { mode: "test" },
    });
  });
});

describe("confirming an address", () => {
  test("an address typed at the checkout becomes the customer's once a link to it was used", async () => {
    const shop = await openShop("2026-03-03");
    await shop.product({ product_id: "4be81c07", features: ["course"], login: {} });
    const customer = await shop.ok<{ id: string; checkout_reference: string }>("POST", "/v1/customers", {
      reference: "member-7",
      email: "kim@example.com",
    });
    await shop.notify({ metadata: customer.checkout_reference, buyer_email: "kim.other@example.com" });
    const emails = async () =>
      (await shop.ok<{ emails: string[] }>("GET", `/v1/customers/${customer.id}`)).emails.toSorted();
    expect(await emails()).toEqual(["kim@example.com"]);
    const [mail] = await shop.mails();
    await visit(shop, "POST", wayIn(mail!).path);
    expect(await emails()).toEqual(["kim.other@example.com", "kim@example.com"]);
  });

  test("an address of another customer's stays theirs", async () => {
    const shop = await openShop("2026-03-03");
    await shop.product({ product_id: "4be81c07", features: ["course"], login: {} });
    const other = await shop.ok<{ id: string }>("POST", "/v1/customers", {
      reference: "member-6",
      email: "alex@example.com",
    });
    const customer = await shop.ok<{ id: string; checkout_reference: string }>("POST", "/v1/customers", {
      reference: "member-7",
      email: "kim@example.com",
    });
    await shop.notify({ metadata: customer.checkout_reference, buyer_email: "alex@example.com" });
    const [mail] = await shop.mails();
    expect((await visit(shop, "POST", wayIn(mail!).path)).status).toBe(200);
    const emails = async (id: string) => (await shop.ok<{ emails: string[] }>("GET", `/v1/customers/${id}`)).emails;
    expect(await emails(other.id)).toEqual(["alex@example.com"]);
    expect(await emails(customer.id)).toEqual(["kim@example.com"]);
  });
});

describe("a code", () => {
  test("opens once, with spaces or without, and uses up its link", async () => {
    const { shop, path, code } = await sell();
    expect(await exchange(shop, `${code.slice(0, 4)} ${code.slice(4)}`)).toMatchObject({
      status: 200,
      json: { customer: { email: "kim@example.com" }, order_id: "A1B2C3D4" },
    });
    expect(await exchange(shop, code)).toMatchObject({ status: 401, json: { code: "code_invalid" } });
    expect((await visit(shop, "GET", path)).status).toBe(410);
  });

  test("is dead after five wrong tries, while its link is not", async () => {
    const { shop, path, code } = await sell();
    for (let n = 0; n < 5; n++) expect((await exchange(shop, wrong(code))).status).toBe(401);
    expect((await exchange(shop, code)).status).toBe(401);
    expect((await visit(shop, "POST", path)).status).toBe(303);
  });

  test("wrong tries at once count each", async () => {
    const { shop, code } = await sell();
    await Promise.all(Array.from({ length: 5 }, () => exchange(shop, wrong(code))));
    expect((await exchange(shop, code)).status).toBe(401);
  });

  test("still works after four wrong tries", async () => {
    const { shop, code } = await sell();
    for (let n = 0; n < 4; n++) await exchange(shop, wrong(code));
    expect((await exchange(shop, code)).status).toBe(200);
  });

  test("does not fit another address, and guessing at one address is slowed down", async () => {
    const { shop, code } = await sell();
    expect((await exchange(shop, code, "alex@example.com")).status).toBe(401);
    const answers = [];
    for (let n = 0; n < 20; n++) answers.push((await exchange(shop, code, "alex@example.com")).status);
    expect(answers.at(-1)).toBe(429);
  });

  test("opens nothing once access has ended", async () => {
    const { shop, code } = await sell();
    await shop.notify(refund);
    expect(await exchange(shop, code)).toMatchObject({ status: 403, json: { code: "access_ended" } });
  });
});

describe("asking for a new link", () => {
  test("answers the same whether the address is known or not, and mails only to one that opens something", async () => {
    const { shop } = await sell({ url: "https://app.shop.example/enter" }, { buyer_country_code: "GB" });
    const known = await request(shop, " Kim@example.com ");
    const unknown = await request(shop, "nobody@example.com");
    expect(known).toEqual({ status: 202, json: { status: "accepted" } });
    expect(unknown).toEqual(known);
    await shop.paybell.settle();
    const mails = await shop.mails({ kind: "login" });
    expect(mails.map((mail) => mail.to)).toEqual(["kim@example.com"]);
    expect(mails[0]!.subject).toBe("Your login link for Shop");
    expect(
      (await shop.api("POST", "/v1/logins", { email: "kim@example.com", code: wayIn(mails[0]!).code })).status,
    ).toBe(200);
  });

  test("sends no more than five links an hour to one address", async () => {
    const { shop } = await sell();
    for (let n = 0; n < 8; n++) expect((await request(shop, "kim@example.com")).status).toBe(202);
    expect(await shop.mails({ kind: "login" })).toHaveLength(4); // the access data carried the first
    await shop.at("2026-03-03T11:00:01");
    await request(shop, "kim@example.com");
    expect(await shop.mails({ kind: "login" })).toHaveLength(5);
  });

  test("sends nothing for a product the address has not bought, or that is not open any more", async () => {
    const { shop, product } = await sell();
    const other = await shop.product({ name: "Other", login: {} });
    await request(shop, "kim@example.com", { product_id: other.id });
    expect(await shop.mails({ kind: "login" })).toEqual([]);
    await request(shop, "kim@example.com", { product_id: product.id });
    expect(await shop.mails({ kind: "login" })).toHaveLength(1);
    await shop.notify(refund);
    await request(shop, "kim@example.com");
    expect(await shop.mails({ kind: "login" })).toHaveLength(1);
  });
});
