import { expect, test } from "vitest";
import { decodeHeader, type MailServer, mailServer, refusal } from "./testing/mail-server.ts";
import { openShop } from "./testing/shop.ts";

/* From the payment to the mailbox, over a real mail server. */

const recipients = (server: MailServer) => server.received.map((mail) => mail.to);

test("the access data are in the mailbox: in the buyer's language, once, with a link and a code that log in", async () => {
  const server = await mailServer();
  const shop = await openShop("2026-03-01T10:00:00", { smtpUrl: server.url });
  await shop.product({
    product_id: "4be81c07",
    name: "Kräuterkurs",
    features: ["course"],
    login: { url: "https://shop.example/login" },
    licence: { pattern: "XXXX-XXXX-XXXX" },
  });
  await shop.notify({});
  await shop.notify({ order_id: "ORDER002", buyer_email: "alex@example.com", buyer_country_code: "US" });
  expect(recipients(server).toSorted()).toEqual(["alex@example.com", "kim@example.com"]);
  const [german] = await shop.mails({ to: "kim@example.com" });
  const [english] = await shop.mails({ to: "alex@example.com" });
  expect(german).toMatchObject({ state: "sent" });
  expect(german!.text).toMatch(/Ihr/);
  expect(english!.text).toMatch(/Your/);
  const link = /http:\/\/127\.0\.0\.1:8787\/login\/\S+/.exec(german!.text)![0];
  // A mail scanner follows the link; that uses nothing up.
  for (let visit = 0; visit < 3; visit++) expect((await shop.paybell.fetch(new Request(link))).status).toBe(200);
  const pressed = await shop.paybell.fetch(new Request(link, { method: "POST" }));
  expect(pressed.status).toBe(303);
  expect(pressed.headers.get("location")).toMatch(/^https:\/\/shop\.example\/login\?ticket=/);
});

test("a mailbox that refuses for good is shown on the order; the corrected address gets new access data, old links die", async () => {
  const server = await mailServer({
    onRcptTo: ({ address }, _session, done) =>
      done(address === "typo@example.com" ? refusal("550 5.1.1 No such user") : null),
  });
  const shop = await openShop("2026-03-01T10:00:00", { smtpUrl: server.url });
  await shop.product({ product_id: "4be81c07", features: ["course"], login: {} });
  await shop.notify({ buyer_email: "typo@example.com" });
  const order = await shop.order("A1B2C3D4");
  const [bounced] = await shop.mails({ to: "typo@example.com" });
  expect(bounced).toMatchObject({ state: "bounced" });
  expect(await shop.alarms()).toEqual(["mail_bounced"]);
  const oldLink = /http:\S+\/login\/\S+/.exec(bounced!.text)![0];

  await shop.ok("POST", `/v1/orders/${order.id}/contact`, { email: "right@example.com" });
  await shop.paybell.settle();
  expect(recipients(server)).toEqual(["right@example.com"]);
  expect((await shop.paybell.fetch(new Request(oldLink, { method: "POST" }))).status).not.toBe(303);
  expect(await shop.order("A1B2C3D4")).toMatchObject({ email: "typo@example.com", contact_email: "right@example.com" });
  expect(await shop.allowed("right@example.com", "course")).toBe(true);
  expect(await shop.allowed("typo@example.com", "course")).toBe(false);
  expect((await shop.paybell.rebuild()).differences).toEqual([]);
});

test("a mail server that is away delays mail, not access; the mail goes out when it is back", async () => {
  const gone = await mailServer();
  await gone.stop();
  const shop = await openShop("2026-03-01T10:00:00", { smtpUrl: gone.url });
  await shop.product({ product_id: "4be81c07", features: ["course"] });
  await shop.notify({});
  expect(await shop.allowed("kim@example.com", "course")).toBe(true);
  expect((await shop.mails())[0]).toMatchObject({ state: "due" });
  const back = await mailServer({ port: gone.port });
  await shop.at("2026-03-01T12:00:00");
  expect(recipients(back)).toEqual(["kim@example.com"]);
});

test("a welcome that is no longer true when the mail server is back is never sent", async () => {
  const gone = await mailServer();
  await gone.stop();
  const shop = await openShop("2026-03-01T10:00:00", { smtpUrl: gone.url });
  await shop.product({ product_id: "4be81c07", features: ["course"] });
  await shop.notify({});
  await shop.at("2026-03-01T10:00:30");
  await shop.notify({ event_type: "payment.refunded", payment_status: "successed_refunded" });
  const back = await mailServer({ port: gone.port });
  await shop.at("2026-03-03T10:00:00");
  expect(
    back.received
      .map((mail) => decodeHeader(mail.headers.subject ?? ""))
      .filter((subject) => /Zugang zu/.test(subject)),
  ).toEqual([]);
  expect((await shop.mails({ kind: "access_data" }))[0]).toMatchObject({ state: "dropped" });
});

test("no mail of a test order reaches anybody, unless the seller named an address for them", async () => {
  const server = await mailServer();
  const shop = await openShop("2026-03-01T10:00:00", { smtpUrl: server.url });
  await shop.product({ product_id: "4be81c07", features: ["course"] });
  const order = { test_payment: true, payment_method: "test", payment_status: "test_paid" };
  await shop.notify(order);
  expect(server.received).toEqual([]);
  await shop.ok("PATCH", "/v1/account", { settings: { test_email: "seller@example.com" } });
  await shop.notify({ ...order, order_id: "TEST0002" });
  expect(recipients(server)).toEqual(["seller@example.com"]);
});
