import { describe, expect, test } from "vitest";
import { type Message, openShop, type Shop } from "./testing/shop.ts";

/* The fifteen cases of docs/rules.md: notifications in exactly the stated order, the clock moved, every line checked. */

const subscription = (rate: number, more: Message = {}): Message => ({
  payment_plan: "abonnement",
  frequency: "monthly",
  rate_number: rate,
  transaction_amount: "29.0",
  ...more,
});
const failed = (rate: number, more: Message = {}) =>
  subscription(rate, { event_type: "payment.failed", payment_status: "failed", ...more });
const refund = (more: Message = {}): Message => ({
  event_type: "payment.refunded",
  payment_status: "successed_refunded",
  transaction_type: "refund",
  ...more,
});
const cancelled = (day: string | null, more: Message = {}): Message => ({
  event_type: "payment.recurring.cancelled",
  payment_plan: "abonnement",
  frequency: "monthly",
  is_cancelled_for: day,
  ...more,
});
const count = (kinds: string[], kind: string) => kinds.filter((one) => one === kind).length;
const keysOf = async (shop: Shop) =>
  (
    await shop.ok<{ data: { key: string; state: string; email?: string; order_id: string | null }[] }>(
      "GET",
      "/v1/licences?limit=200",
    )
  ).data;

describe("1. the same payment, twice at once and once more", () => {
  test("one entry, one entitlement, one key, one mail, three arrivals", async () => {
    const shop = await openShop("2026-02-03T10:15:00");
    const product = await shop.product({ product_id: "4be81c07", features: ["course"], licence: {} });
    await shop.ok("POST", `/v1/products/${product.id}/keys`, {
      keys: Array.from({ length: 10 }, (_, n) => `KEY-${n}-ABCDEFGH`),
    });
    const bytes = shop.bytes({ transaction_id: "T-1001" });
    const [first, second] = await Promise.all([shop.post(bytes), shop.post(bytes)]);
    await shop.at("2026-02-03T10:18:00");
    const third = await shop.post(bytes);
    await shop.paybell.settle();
    for (const answer of [first, second, third]) expect(answer).toEqual({ status: 200, body: "OK" });
    const order = await shop.order("A1B2C3D4");
    expect(order.balance).toEqual({ minor: 9700, currency: "EUR" });
    expect(order.transactions).toHaveLength(1);
    expect(await shop.allowed("kim@example.com", "course")).toBe(true);
    const keys = await keysOf(shop);
    expect(keys.filter((key) => key.order_id === "A1B2C3D4")).toHaveLength(1);
    expect(keys.filter((key) => key.state === "free")).toHaveLength(9);
    expect(await shop.mailKinds()).toEqual(["access_data"]);
    const [notification, ...others] = await shop.notifications();
    expect(others).toEqual([]);
    expect(notification).toMatchObject({ verdict: "verified", state: "applied", arrivals: 3 });
  });
});

describe("3. the refund is faster than the payment", () => {
  test("never access, never a mail, both facts with their own times", async () => {
    const shop = await openShop("2026-02-10T18:01:00");
    await shop.product({
      product_id: "4be81c07",
      features: ["e-book"],
      download: { url: "https://shop.example/book.pdf" },
    });
    await shop.notify(refund({ transaction_amount: "27.0", transaction_date: "2026-02-10T18:00:00+01:00" }));
    expect(await shop.allowed("kim@example.com", "e-book")).toBe(false);
    expect((await shop.notifications({ state: "waiting" }))[0]).toMatchObject({ reason: "refund_without_payment" });
    expect((await shop.order("A1B2C3D4")).state).toBe("waiting");
    await shop.at("2026-02-10T18:05:00");
    const payment = shop.bytes({ transaction_amount: "27.0", transaction_date: "2026-02-10T09:00:00+01:00" });
    await shop.post(payment);
    await shop.paybell.settle();
    await shop.at("2026-02-19T07:00:00");
    await shop.post(payment);
    await shop.paybell.settle();
    for (const at of ["2026-02-10T18:04:59", "2026-02-10T18:05:00", "2026-02-19T07:00:01", "2027-01-01"]) {
      expect(await shop.allowed("kim@example.com", "e-book", at)).toBe(false);
    }
    const order = await shop.order("A1B2C3D4");
    expect(order).toMatchObject({ balance: { minor: 0 }, state: "refunded" });
    expect(order.transactions.map(({ kind, at, amount }) => [kind, at, amount.minor])).toEqual([
      ["payment", "2026-02-10T08:00:00.000Z", 2700],
      ["refund", "2026-02-10T17:00:00.000Z", -2700],
    ]);
    expect(await shop.mails()).toEqual([]);
    expect(await shop.notifications({ state: "waiting" })).toEqual([]);
  });
});

describe("4. a yearly plan cancelled in its second week", () => {
  test("access through the last day it was cancelled for, one cancellation mail", async () => {
    const shop = await openShop("2025-03-27T14:20:00");
    await shop.product({ product_id: "4be81c07", features: ["club"] });
    const yearly = { payment_plan: "abonnement", frequency: "yearly" };
    await shop.notify({ ...yearly, transaction_amount: "850.0", next_payment_at: "2026-03-27" });
    await shop.at("2025-04-10T10:00:00");
    const cancel = cancelled("2026-03-27", { frequency: "yearly" });
    await shop.notify(cancel);
    await shop.at("2025-04-11T10:00:00");
    await shop.notify({ ...cancel, earned_amount: "0.0" });
    for (const at of ["2025-04-11", "2025-12-31", "2026-03-27T23:59:59"])
      expect(await shop.allowed("kim@example.com", "club", at)).toBe(true);
    expect(await shop.allowed("kim@example.com", "club", "2026-03-28T00:00:00")).toBe(false);
    expect(await shop.access("kim@example.com", "club")).toMatchObject({
      until_day: "2026-03-27",
      until: "2026-03-27T23:00:00.000Z",
    });
    await shop.at("2026-03-20T10:00:00");
    await shop.notify({
      event_type: "payment.recurring.upcoming",
      ...yearly,
      payment_status: "upcoming",
      next_payment_at: "2026-03-27",
    });
    await shop.at("2026-05-01");
    expect(await shop.mailKinds()).toEqual(["access_data", "cancelled"]);
    expect((await shop.mails({ kind: "cancelled" }))[0]!.text).toContain("27. März 2026");
    expect((await shop.order("A1B2C3D4")).balance.minor).toBe(85_000);
  });
});

describe("5. the renewal comes three days late", () => {
  test("no gap, the second month opens on arrival, paid through the anchor day", async () => {
    const shop = await openShop("2026-01-15T08:00:00");
    await shop.product({
      product_id: "4be81c07",
      features: ["club", { name: "Month 2", opens_at_payment: 2 }, "lesson {n}"],
    });
    await shop.notify(subscription(1, { next_payment_at: "2026-02-15" }));
    await shop.at("2026-02-18T06:30:00");
    await shop.notify(
      subscription(2, { transaction_date: "2026-02-17T12:00:00+01:00", next_payment_at: "2026-03-15" }),
    );
    for (const at of ["2026-02-15T23:00:00", "2026-02-16", "2026-02-17", "2026-02-18T06:29:00"]) {
      expect(await shop.allowed("kim@example.com", "club", at)).toBe(true);
    }
    expect(await shop.allowed("kim@example.com", "Month 2", "2026-02-18T06:29:00")).toBe(false);
    expect(await shop.allowed("kim@example.com", "Month 2", "2026-02-18T06:30:00")).toBe(true);
    expect(await shop.allowed("kim@example.com", "lesson 2")).toBe(true);
    expect(await shop.allowed("kim@example.com", "lesson 3")).toBe(false);
    const order = await shop.order("A1B2C3D4");
    expect(order.items[0]!.paid_through).toBe("2026-03-15");
    expect(order.balance.minor).toBe(5800);
    expect(await shop.mailKinds()).toEqual(["access_data", "renewal"]);
  });

  test("also where the provider names no due date", async () => {
    const shop = await openShop("2026-01-31T08:00:00");
    await shop.product({ product_id: "4be81c07", features: ["club"] });
    await shop.notify(subscription(1));
    await shop.at("2026-03-02T06:30:00");
    await shop.notify(subscription(2));
    expect((await shop.order("A1B2C3D4")).items[0]!.paid_through).toBe("2026-03-31");
  });
});

describe("6. two failed attempts, then money", () => {
  const start = async () => {
    const shop = await openShop("2026-02-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["club"], licence: { pattern: "XXXX-XXXX-XXXX" } });
    await shop.notify(subscription(1, { next_payment_at: "2026-03-01" }));
    await shop.at("2026-03-01T10:00:00");
    await shop.notify(failed(2, { next_payment_at: "2026-03-01" }));
    await shop.at("2026-03-04T10:00:00");
    await shop.notify(failed(2, { next_payment_at: "2026-03-01" }));
    return shop;
  };

  test("run A, in time: no gap, one mail about the failure", async () => {
    const shop = await start();
    await shop.at("2026-03-06T09:00:00");
    await shop.notify(subscription(2, { next_payment_at: "2026-04-01" }));
    for (const at of ["2026-03-02", "2026-03-05", "2026-03-08T23:59:59", "2026-03-09", "2026-04-01T23:59:59"]) {
      expect(await shop.allowed("kim@example.com", "club", at)).toBe(true);
    }
    expect((await shop.order("A1B2C3D4")).items[0]!.paid_through).toBe("2026-04-01");
    expect(await shop.mailKinds()).toEqual(["access_data", "payment_failed", "renewal"]);
  });

  test.each(["looked at", "slept over"])("run B, too late: paused and back, the boundary %s", async (how) => {
    const shop = await start();
    const [key] = await keysOf(shop);
    if (how === "looked at") {
      await shop.at("2026-03-08T23:59:59");
      expect(await shop.allowed("kim@example.com", "club")).toBe(true);
      await shop.at("2026-03-09T00:00:00");
      expect(await shop.allowed("kim@example.com", "club")).toBe(false);
      expect((await keysOf(shop))[0]!.state).toBe("suspended");
    } else {
      shop.set("2026-03-12T09:00:00");
    }
    shop.set("2026-03-12T09:00:00");
    await shop.notify(subscription(2, { next_payment_at: "2026-04-01" }));
    expect(await shop.allowed("kim@example.com", "club", "2026-03-08T23:59:59")).toBe(true);
    expect(await shop.allowed("kim@example.com", "club", "2026-03-09T00:00:00")).toBe(false);
    expect(await shop.allowed("kim@example.com", "club")).toBe(true);
    expect((await shop.order("A1B2C3D4")).items[0]!.paid_through).toBe("2026-04-01");
    const kinds = await shop.mailKinds();
    expect(kinds.toSorted()).toEqual(["access_back", "access_data", "access_paused", "payment_failed"]);
    expect(await keysOf(shop)).toEqual([key]);
  });

  test("without a provider's due date the late payment still covers its own period", async () => {
    const shop = await openShop("2026-02-01T10:00:00");
    await shop.product({ product_id: "4be81c07", features: ["club"] });
    await shop.notify(subscription(1));
    await shop.at("2026-03-12T09:00:00");
    await shop.notify(subscription(2));
    expect((await shop.order("A1B2C3D4")).items[0]!.paid_through).toBe("2026-04-01");
  });
});

describe("7. three instalments, arriving in the wrong order", () => {
  const rate = (n: number, date: string): Message => ({
    payment_plan: "breakdown_payment",
    frequency: "monthly",
    total_number_of_payments: 3,
    first_payment: "199.0",
    next_payments: "199.0",
    rate_number: n,
    transaction_amount: "199.0",
    transaction_id: `rate-${n}`,
    transaction_date: `${date}T10:00:00+01:00`,
    next_payment_at: null,
  });
  test.each([["2026-03-10"], ["2026-03-11"], ["2026-04-10"], [null]])(
    "complete in the end; the plan cancelled for %s",
    async (day) => {
      const shop = await openShop("2026-03-11T09:00:00");
      await shop.product({ product_id: "4be81c07", features: ["masterclass"] });
      await shop.notify(rate(3, "2026-03-10"));
      const cancel = cancelled(day, {
        payment_plan: "breakdown_payment",
        total_number_of_payments: 3,
        cancelation_reason: "vendor_cancelation",
      });
      await shop.notify(cancel);
      expect(await shop.access("kim@example.com", "masterclass")).toMatchObject({
        allowed: true,
        until_day: "2026-04-10",
      });
      expect((await shop.order("A1B2C3D4")).items[0]!.rates).toEqual({ paid: 1, total: 3 });
      await shop.notify(rate(1, "2026-01-10"));
      await shop.notify(rate(2, "2026-02-10"));
      expect(await shop.access("kim@example.com", "masterclass")).toMatchObject({ allowed: true, until: null });
      expect(await shop.order("A1B2C3D4")).toMatchObject({
        balance: { minor: 59_700 },
        items: [{ rates: { paid: 3, total: 3 } }],
      });
      await shop.notify(rate(1, "2026-01-10"));
      await shop.at("2026-04-01T09:00:00");
      await shop.notify({ ...cancel, earned_amount: "1.0" });
      for (const at of ["2026-04-02", "2030-01-01"])
        expect(await shop.allowed("kim@example.com", "masterclass", at)).toBe(true);
      expect((await shop.order("A1B2C3D4")).balance.minor).toBe(59_700);
    },
  );
});

describe("8. an old month is refunded, then the current one", () => {
  test("only the current one ends access, from the moment it is recorded", async () => {
    const shop = await openShop("2026-01-05T08:00:00");
    await shop.product({ product_id: "4be81c07", features: ["club"] });
    for (let month = 1; month <= 5; month++) {
      await shop.at(`2026-0${month}-05T08:00:00`);
      await shop.notify(subscription(month, { transaction_amount: "19.0", next_payment_at: `2026-0${month + 1}-05` }));
    }
    await shop.at("2026-05-20T10:00:00");
    await shop.notify(subscription(2, refund({ transaction_amount: "19.0" })));
    expect(await shop.allowed("kim@example.com", "club")).toBe(true);
    expect(await shop.order("A1B2C3D4")).toMatchObject({
      balance: { minor: 7600 },
      items: [{ paid_through: "2026-06-05" }],
    });
    await shop.at("2026-05-21T10:00:00");
    await shop.notify(subscription(5, refund({ transaction_amount: "19.0" })));
    expect(await shop.allowed("kim@example.com", "club", "2026-05-21T09:59:59")).toBe(true);
    expect(await shop.allowed("kim@example.com", "club", "2026-05-21T10:00:00")).toBe(false);
    expect((await shop.order("A1B2C3D4")).balance.minor).toBe(5700);
    await shop.at("2026-06-05T08:00:00");
    await shop.notify(subscription(6, { transaction_amount: "19.0", next_payment_at: "2026-07-05" }));
    expect(await shop.allowed("kim@example.com", "club")).toBe(true);
    expect(await shop.order("A1B2C3D4")).toMatchObject({
      balance: { minor: 7600 },
      items: [{ paid_through: "2026-07-05" }],
    });
    expect(await shop.alarms()).toContain("refunded_still_charged");
  });
});

describe("9. one order, three products, one of them refunded", () => {
  const split = [
    { amount: "297.0", vat_amount: "0.0", slug: "course", is_addon: false, name: "Course", internal_name: null },
    { amount: "27.0", vat_amount: "0.0", slug: "workbook", is_addon: true, name: "Workbook", internal_name: null },
    { amount: "47.0", vat_amount: "0.0", slug: "templates", is_addon: true, name: "Templates", internal_name: null },
  ];
  const each = (more: (one: { slug: string; amount: string }) => Message) =>
    split.map((one) => ({
      product_id: one.slug,
      product_name: one.name,
      transaction_amount: one.amount,
      line_item_amount: one.amount,
      ...more(one),
    }));
  const runs: [string, Message[]][] = [
    [
      "A: one notification listing three products",
      [
        {
          product_id: "course",
          transaction_amount: "371.0",
          line_item_amount: "297.0",
          transaction_amount_per_product: split,
        },
      ],
    ],
    [
      "B: three notifications, three transactions",
      each((one) => ({
        transaction_id: `tx-${one.slug}`,
        transaction_amount_per_product: [split.find((entry) => entry.slug === one.slug)],
      })),
    ],
    ["C: three notifications, one transaction", each(() => ({ transaction_id: "tx-all" }))],
    [
      "C: one transaction, each with the whole amount",
      each((one) => ({ transaction_id: "tx-all", transaction_amount: "371.0", line_item_amount: one.amount })),
    ],
    [
      "C: one transaction, each with the whole list",
      each((one) => ({
        transaction_id: "tx-all",
        transaction_amount: "371.0",
        line_item_amount: one.amount,
        transaction_amount_per_product: split,
      })),
    ],
  ];
  test.each(runs)("run %s", async (_name, messages) => {
    const shop = await openShop("2026-03-03T10:00:00");
    for (const slug of ["course", "workbook", "templates"])
      await shop.product({ product_id: slug, name: slug, features: [slug] });
    for (const message of messages) await shop.notify(message);
    expect((await shop.order("A1B2C3D4")).balance.minor).toBe(37_100);
    await shop.at("2026-03-09T10:00:00");
    await shop.notify(refund({ product_id: "workbook", transaction_amount: "27.0" }));
    const open = async () =>
      Object.fromEntries(
        await Promise.all(split.map(async ({ slug }) => [slug, await shop.allowed("kim@example.com", slug)])),
      );
    expect(await open()).toEqual({ course: true, workbook: false, templates: true });
    const order = await shop.order("A1B2C3D4");
    expect(order.balance.minor).toBe(34_400);
    expect(Object.fromEntries(order.items.map((item) => [item.product_id, item.balance.minor]))).toEqual({
      course: 29_700,
      workbook: 0,
      templates: 4700,
    });
    await shop.at("2026-03-16T10:00:00");
    await shop.notify(refund({ product_id: "course", transaction_amount: "297.0" }));
    expect(await open()).toEqual({ course: false, workbook: false, templates: true });
    expect((await shop.order("A1B2C3D4")).balance.minor).toBe(4700);
  });
});

describe("10. the same feature twice", () => {
  test("lost only with the last item that gives it, and revoked exactly once", async () => {
    const shop = await openShop("2026-01-01T10:00:00");
    await shop.product({ product_id: "bundle", features: ["Community"] });
    await shop.product({ product_id: "member", features: ["Community"] });
    await shop.notify({ order_id: "BUNDLE01", product_id: "bundle", transaction_amount: "499.0" });
    await shop.at("2026-02-01T10:00:00");
    const member = { order_id: "MEMBER01", product_id: "member", transaction_amount: "39.0" };
    await shop.notify(subscription(1, { ...member, next_payment_at: "2026-03-01" }));
    await shop.at("2026-03-01T10:00:00");
    await shop.notify(subscription(2, { ...member, next_payment_at: "2026-04-01" }));
    await shop.at("2026-03-10T10:00:00");
    await shop.notify(cancelled("2026-04-01", { order_id: "MEMBER01", product_id: "member" }));
    const revoked = async () =>
      (await shop.ok<{ data: { type: string }[] }>("GET", "/v1/events?type=access.revoked")).data.length;
    await shop.at("2026-04-02T10:00:00");
    expect(await shop.allowed("kim@example.com", "Community")).toBe(true);
    expect((await shop.order("MEMBER01")).items[0]!.state).toBe("ended");
    expect(await revoked()).toBe(0);
    expect(await shop.mailKinds()).toEqual(["access_data", "access_data", "renewal", "cancelled"]);
    await shop.at("2026-05-02T12:00:00");
    await shop.notify(refund({ order_id: "BUNDLE01", product_id: "bundle", transaction_amount: "499.0" }));
    expect(await shop.allowed("kim@example.com", "Community", "2026-05-02T11:59:59")).toBe(true);
    expect(await shop.allowed("kim@example.com", "Community")).toBe(false);
    await shop.at("2026-06-02T12:00:00");
    expect(await revoked()).toBe(1);
  });
});

describe("11. a chargeback, won in the end", () => {
  test.each(["the same transaction", "a transaction of its own"])(
    "suspended at once, restored with key and activations; the verdict under %s",
    async (how) => {
      const shop = await openShop("2026-01-20T10:00:00");
      await shop.product({
        product_id: "software",
        features: ["Software"],
        licence: { pattern: "XXXX-XXXX-XXXX", activations: 2 },
      });
      await shop.product({ product_id: "guide", features: ["Guide"] });
      await shop.notify({ order_id: "ORDER001", product_id: "software", transaction_amount: "149.0" });
      const [licence] = await keysOf(shop);
      for (const machine of ["desk", "laptop"])
        await shop.ok("POST", "/v1/licences/activate", { key: licence!.key, machine });
      await shop.at("2026-01-25T10:00:00");
      await shop.notify({ order_id: "ORDER002", product_id: "guide", transaction_amount: "49.0" });
      await shop.at("2026-02-14T10:00:00");
      const chargeback = {
        event_type: "payment.charged_back",
        order_id: "ORDER001",
        product_id: "software",
        transaction_amount: "149.0",
        transaction_type: "chargeback",
      };
      await shop.notify({ ...chargeback, transaction_id: "cb-1", payment_status: "chargeback_succeeded" });
      expect(await shop.allowed("kim@example.com", "Software")).toBe(false);
      expect(await shop.allowed("kim@example.com", "Guide")).toBe(true);
      expect(await shop.ok("POST", "/v1/licences/validate", { key: licence!.key })).toMatchObject({
        valid: false,
        state: "suspended",
      });
      expect((await shop.order("ORDER001")).balance.minor).toBe(0);
      await shop.at("2026-03-30T10:00:00");
      await shop.notify({
        ...chargeback,
        transaction_id: how === "the same transaction" ? "cb-1" : "cb-2",
        payment_status: "chargeback_failed",
      });
      expect(await shop.allowed("kim@example.com", "Software")).toBe(true);
      expect(await shop.allowed("kim@example.com", "Software", "2026-03-30T09:59:59")).toBe(false);
      expect(await shop.ok("POST", "/v1/licences/validate", { key: licence!.key, machine: "desk" })).toMatchObject({
        valid: true,
        state: "active",
      });
      const [after, ...more] = (
        await shop.ok<{ data: { key: string; activations: unknown[] }[] }>("GET", "/v1/licences")
      ).data;
      expect(more).toEqual([]);
      expect(after!.key).toBe(licence!.key);
      expect(after!.activations).toHaveLength(2);
      expect((await shop.order("ORDER001")).balance.minor).toBe(14_900);
      expect(count(await shop.mailKinds(), "access_data")).toBe(2);
    },
  );
});

describe("12. trial: converted, cancelled, or not paid", () => {
  const trialNotice = (end: string) =>
    subscription(1, {
      event_type: "payment.trial",
      payment_status: "trial",
      transaction_amount: "0.0",
      first_payment: "49.0",
      transaction_date: "2026-04-01T12:00:00+02:00",
      transaction_id: "trial-1",
      next_payment_at: end,
    });
  const start = async (end = "2026-04-15T12:00:00+02:00") => {
    const shop = await openShop("2026-04-01T12:00:00");
    await shop.product({ product_id: "4be81c07", features: ["club"] });
    await shop.notify(trialNotice(end));
    return shop;
  };

  test("A: converted without a gap; a late trial notice changes nothing", async () => {
    const shop = await start();
    await shop.at("2026-04-15T13:10:00");
    await shop.notify(subscription(1, { transaction_amount: "49.0", next_payment_at: "2026-05-15" }));
    for (const at of ["2026-04-01T12:00:01", "2026-04-15T12:30:00", "2026-04-15T13:10:00", "2026-05-15T20:00:00"]) {
      expect(await shop.allowed("kim@example.com", "club", at)).toBe(true);
    }
    await shop.at("2026-04-16T09:00:00");
    await shop.notify({ ...trialNotice("2026-04-15T12:00:00+02:00"), earned_amount: "1.0" });
    expect(await shop.access("kim@example.com", "club")).toMatchObject({ allowed: true, state: "active" });
    expect((await shop.order("A1B2C3D4")).items[0]).toMatchObject({ paid_through: "2026-05-15", state: "active" });
    expect(count(await shop.mailKinds(), "access_data") + count(await shop.mailKinds(), "trial")).toBe(1);
  });

  test("A: the first paid period starts at the end of the trial, where the provider names no date", async () => {
    const shop = await start();
    await shop.at("2026-04-16T13:10:00");
    await shop.notify(subscription(1, { transaction_amount: "49.0" }));
    expect((await shop.order("A1B2C3D4")).items[0]!.paid_through).toBe("2026-05-15");
  });

  test.each([["2026-04-06"], ["2026-04-15"], [null], ["2026-04-15T12:00:00+02:00"]])(
    "B: cancelled for %s: to the end of the trial, to the second",
    async (day) => {
      const shop = await start();
      await shop.at("2026-04-06T09:00:00");
      await shop.notify(cancelled(day));
      await shop.at("2026-04-20T09:00:00");
      expect(await shop.allowed("kim@example.com", "club", "2026-04-15T11:59:59")).toBe(true);
      expect(await shop.allowed("kim@example.com", "club", "2026-04-15T12:00:01")).toBe(false);
      expect((await shop.order("A1B2C3D4")).balance?.minor ?? 0).toBe(0);
    },
  );

  test("C: the first charge fails: access ends at once", async () => {
    const shop = await start();
    await shop.at("2026-04-15T13:10:00");
    expect(await shop.allowed("kim@example.com", "club", "2026-04-15T13:09:59")).toBe(true);
    await shop.notify(failed(1, { transaction_amount: "49.0" }));
    expect(await shop.allowed("kim@example.com", "club", "2026-04-15T13:10:00")).toBe(false);
    expect(await shop.allowed("kim@example.com", "club", "2026-04-15T13:09:59")).toBe(true);
  });

  test("nothing follows: 48 hours, no more; a date without a time covers its whole day", async () => {
    const shop = await start("2026-04-15");
    expect(await shop.allowed("kim@example.com", "club", "2026-04-17T23:59:59")).toBe(true);
    expect(await shop.allowed("kim@example.com", "club", "2026-04-18T00:00:00")).toBe(false);
  });
});

describe("13. a test purchase on the live address", () => {
  test("complete in its own space, and nothing of it outside", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    const product = await shop.product({ product_id: "4be81c07", features: ["course"], licence: {} });
    await shop.ok("POST", `/v1/products/${product.id}/keys`, {
      keys: Array.from({ length: 10 }, (_, n) => `KEY-${n}-ABCDEFGH`),
    });
    await shop.notify({});
    const mails = await shop.mails();
    await shop.at("2026-03-02T10:00:00");
    const test = { payment_method: "test", test_payment: true };
    await shop.notify({ ...test, order_id: "TESTORDR", payment_status: "test_paid", earned_amount: "0" });
    expect(await shop.access("kim@example.com", "course", undefined, "test")).toMatchObject({ allowed: true });
    await shop.notify(refund({ ...test, order_id: "TESTORDR", payment_status: "test_successed_refunded" }));
    expect(await shop.access("kim@example.com", "course", undefined, "test")).toMatchObject({ allowed: false });
    expect(await shop.order("TESTORDR", "test")).toMatchObject({ state: "refunded", balance: { minor: 0 } });
    expect(await shop.allowed("kim@example.com", "course")).toBe(true);
    expect((await keysOf(shop)).filter((key) => key.state === "free")).toHaveLength(9);
    expect(await shop.mails()).toEqual(mails);
    const shown = await shop.mails({ mode: "test" });
    expect(shown.length).toBeGreaterThan(0);
    for (const mail of shown) expect(mail).toMatchObject({ to: null, state: "kept" });
    const { data } = await shop.ok<{ data: unknown[] }>("GET", "/v1/orders");
    expect(data).toHaveLength(1);
  });
});

describe("14. a product nobody had mapped, and a full replay", () => {
  test("mapping has the effect it would have had on the day; a replay changes nothing", async () => {
    const shop = await openShop("2026-02-01T16:00:00");
    await shop.notify(subscription(1, { product_id: "p-777", transaction_amount: "59.0" }));
    expect(await shop.order("A1B2C3D4")).toMatchObject({ balance: { minor: 5900 } });
    expect(await shop.allowed("kim@example.com", "club")).toBe(false);
    const [waiting] = await shop.notifications({ state: "waiting" });
    expect(waiting).toMatchObject({ reason: "product_unmapped", verdict: "verified" });
    expect(await shop.alarms()).toEqual(["product_unmapped"]);
    await shop.at("2026-02-03T10:00:00");
    await shop.product({ product_id: "p-777", name: "Membership monthly", features: ["club"] });
    await shop.ok("POST", `/v1/notifications/${waiting!.id}/replay`);
    await shop.paybell.settle();
    expect(await shop.allowed("kim@example.com", "club")).toBe(true);
    expect((await shop.order("A1B2C3D4")).items[0]!.paid_through).toBe("2026-03-01");
    expect(await shop.mailKinds()).toEqual(["access_data"]);
    expect(await shop.notifications({ state: "waiting" })).toEqual([]);
    await shop.at("2026-02-20T10:00:00");
    const before = [await shop.order("A1B2C3D4"), await keysOf(shop), await shop.mails()];
    for (const { id } of await shop.notifications()) await shop.ok("POST", `/v1/notifications/${id}/replay`);
    await shop.paybell.settle();
    expect([await shop.order("A1B2C3D4"), await keysOf(shop), await shop.mails()]).toEqual(before);
    expect(await shop.paybell.rebuild()).toEqual({ notifications: 1, items: 1, differences: [] });
  });
});

describe("15. three keys, four buyers", () => {
  test("nobody gets two, the fourth gets its key when there is one, the refunded one does not return", async () => {
    const shop = await openShop("2026-03-01T10:00:00");
    const product = await shop.product({ product_id: "4be81c07", features: ["software"], licence: {} });
    const upload = (keys: string[]) =>
      shop.ok<{ added: number; left: number }>("POST", `/v1/products/${product.id}/keys`, { keys });
    await upload(["FIRST-AAAA-BBBB", "SECOND-AAAA-BBBB", "THIRD-AAAA-BBBB"]);
    const sale = (n: number) =>
      shop.bytes({
        order_id: `ORDER00${n}`,
        buyer_email: `buyer${n}@example.com`,
        transaction_amount: "39.0",
        transaction_id: `sale-${n}`,
      });
    const second = sale(2);
    await Promise.all([sale(1), second, sale(3), second, sale(4)].map((bytes) => shop.post(bytes)));
    await shop.paybell.settle();
    const given = (await keysOf(shop)).filter((key) => key.order_id !== null);
    expect(new Set(given.map((key) => key.key)).size).toBe(3);
    expect(new Set(given.map((key) => key.order_id)).size).toBe(3);
    for (const n of [1, 2, 3, 4]) expect(await shop.allowed(`buyer${n}@example.com`, "software")).toBe(true);
    expect(await shop.alarms()).toEqual(["key_pool_empty", "key_pool_low"]);
    const late = [1, 2, 3, 4].find((n) => !given.some((key) => key.order_id === `ORDER00${n}`))!;
    expect((await shop.order(`ORDER00${late}`)).items[0]!.key_follows).toBe(true);
    await shop.at("2026-03-01T12:00:00");
    await upload(Array.from({ length: 10 }, (_, n) => `MORE-${n}-AAAA-BBBB`));
    await shop.paybell.settle();
    const after = await keysOf(shop);
    expect(after.filter((key) => key.order_id === `ORDER00${late}`)).toHaveLength(1);
    expect(after.filter((key) => key.state === "free")).toHaveLength(9);
    expect(await shop.mailKinds({ to: `buyer${late}@example.com` })).toEqual(["access_data", "licence_key"]);
    const early = [1, 2, 3, 4].find((n) => n !== late)!;
    expect(await shop.mailKinds({ to: `buyer${early}@example.com` })).toEqual(["access_data"]);
    await shop.at("2026-03-02T12:00:00");
    await shop.notify(
      refund({ order_id: `ORDER00${early}`, buyer_email: `buyer${early}@example.com`, transaction_amount: "39.0" }),
    );
    const back = given.find((key) => key.order_id === `ORDER00${early}`)!;
    expect(await shop.ok("POST", "/v1/licences/validate", { key: back.key })).toMatchObject({
      valid: false,
      state: "ended",
    });
    expect((await keysOf(shop)).filter((key) => key.state === "free")).toHaveLength(9);
  });
});
