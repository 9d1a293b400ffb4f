import { expect, test } from "vitest";
import { type Message, openShop } from "./testing/shop.ts";

/* Cases of docs/rules.md beyond the fifteen of scenarios.test.ts, each sent through the front door, then once more. */

test("the vendor's earlier day counts beside a later one of the buyer's, in either order (R8)", async () => {
  for (const order of ["as sent", "backwards"] as const) {
    const story = await tell("2026-06-15T10:00:00");
    const vendor = cancel("2026-06-20", { cancelation_reason: "vendor_cancelation" });
    const words = [cancel("2026-07-15"), vendor];
    await story.on("2026-06-15T10:00:00", sub(1, { next_payment_at: "2026-07-15" }));
    for (const word of order === "as sent" ? words : words.toReversed()) await story.on("2026-06-20T10:00:00", word);
    await story.open("2026-06-20T23:59:59");
    await story.closed("2026-06-21T00:00:00");
    await story.holds();
  }
});

test("a payment after the vendor's cancellation still extends access by its period, and is reported (R8, R25)", async () => {
  const story = await tell("2026-01-05T10:00:00");
  await story.on("2026-01-05T10:00:00", sub(1, { next_payment_at: "2026-02-05" }));
  await story.on("2026-01-20T10:00:00", cancel("2026-02-05", { cancelation_reason: "vendor_cancelation" }));
  await story.on("2026-02-05T10:00:00", sub(2, { next_payment_at: "2026-03-05" }));
  await story.open("2026-03-05T23:59:59");
  await story.closed("2026-03-06T00:00:00");
  expect(await story.alarms()).toEqual(["payment_after_cancellation"]);
  await story.holds();
});

test("payments of a plan that runs on until its last day are no surprise (R25)", async () => {
  const story = await tell("2026-01-05T10:00:00");
  await story.on("2026-01-05T10:00:00", sub(1, { next_payment_at: "2026-02-05" }));
  await story.on("2026-01-20T10:00:00", cancel("2026-03-05"));
  await story.on("2026-02-05T10:00:00", sub(2, { next_payment_at: "2026-03-05" }));
  await story.closed("2026-03-06T00:00:00");
  expect(await story.alarms()).toEqual([]);
  expect(await story.mailKinds()).toEqual(["access_data", "cancelled", "renewal"]);
  await story.holds();
});

test("a plan taken up again begins its cycle anew where no due date is named (R6, R8)", async () => {
  const story = await tell("2026-05-15T10:00:00");
  await story.on("2026-05-15T10:00:00", sub(1));
  await story.on("2026-06-10T10:00:00", cancel("2026-06-15"));
  await story.on("2026-09-01T10:00:00", sub(2));
  expect((await story.order("A1B2C3D4")).items[0]!.paid_through).toBe("2026-10-01");
  await story.on("2026-10-01T10:00:00", sub(3));
  expect((await story.order("A1B2C3D4")).items[0]!.paid_through).toBe("2026-11-01");
  expect(await story.mailKinds()).toEqual(["access_data", "cancelled", "access_back", "renewal"]);
  await story.holds();
});

test("taken up again, then cancelled again: two mails, and the old day said once more changes nothing (R8)", async () => {
  const story = await tell("2026-05-15T10:00:00");
  const reminder = { event_type: "payment.recurring.upcoming", payment_status: "upcoming" };
  await story.on("2026-05-15T10:00:00", sub(1, { next_payment_at: "2026-06-15" }));
  await story.on("2026-06-10T10:00:00", cancel("2026-06-15"));
  await story.on("2026-09-01T10:00:00", sub(2, { next_payment_at: "2026-10-01" }));
  await story.on("2026-09-02T10:00:00", sub(2, { ...reminder, is_cancelled_for: "2026-06-15" }));
  await story.open("2026-10-08T23:59:59");
  await story.on("2026-09-12T10:00:00", cancel("2026-10-01"));
  await story.open("2026-10-01T23:59:59");
  await story.closed("2026-10-02T00:00:00");
  expect(await story.mailKinds()).toEqual(["access_data", "cancelled", "access_back", "cancelled"]);
  await story.holds();
});

test("a cancellation known only from the failure that follows it starts no dunning (R8)", async () => {
  const story = await tell("2026-01-05T10:00:00");
  await story.on("2026-01-05T10:00:00", sub(1, { next_payment_at: "2026-02-05" }));
  const end = { event_type: "payment.failed", payment_status: "failed", is_cancelled_for: "2026-02-05" };
  await story.on("2026-02-05T10:00:00", sub(2, end));
  await story.open("2026-02-05T23:59:59");
  await story.closed("2026-02-06T00:00:00");
  const kinds = await story.mailKinds();
  expect(kinds).not.toContain("payment_failed");
  expect(kinds).not.toContain("access_paused");
  await story.holds();
});

test("a refund that failed and then went through takes access, one that went through and then failed gives it back (R10)", async () => {
  for (const [first, second, open] of [
    ["failed_refunded", "successed_refunded", false],
    ["successed_refunded", "failed_refunded", true],
  ] as const) {
    const story = await tell("2026-02-01T10:00:00");
    const refund = { event_type: "payment.refunded", transaction_type: "refund", transaction_id: "r1" };
    await story.on("2026-02-01T10:00:00", {});
    await story.on("2026-02-05T10:00:00", { ...refund, payment_status: first });
    await story.on("2026-02-06T10:00:00", { ...refund, payment_status: second });
    expect(await story.allowed("kim@example.com", "club")).toBe(open);
    expect((await story.order("A1B2C3D4")).balance.minor).toBe(open ? 9700 : 0);
    await story.holds();
  }
});

test("days of grace end with a Berlin day also when the clocks change on it (R7, R9)", async () => {
  const story = await tell("2026-02-22T10:00:00");
  await story.on("2026-02-22T10:00:00", sub(1, { next_payment_at: "2026-03-22" }));
  for (const day of ["22", "24", "29"]) {
    const failure = { event_type: "payment.failed", payment_status: "failed", next_payment_at: `2026-03-${day}` };
    await story.on(`2026-03-${day}T10:00:00`, sub(2, failure));
  }
  await story.open("2026-03-29T21:59:59Z");
  await story.closed("2026-03-29T22:00:00Z");
  await story.at("2026-04-02");
  expect(await story.mailKinds()).toEqual(["access_data", "payment_failed", "access_paused"]);
  await story.holds();
});

test("a product mapped late with a long history sends one welcome, and nothing when all is over (R18)", async () => {
  for (const [mappedAt, kinds] of [
    ["2026-03-10T10:00:00", ["access_data"]],
    ["2026-05-10T10:00:00", []],
  ] as const) {
    const story = await tell("2026-01-01T10:00:00", []);
    await story.on("2026-01-01T10:00:00", sub(1, { next_payment_at: "2026-02-01" }));
    await story.on("2026-02-01T10:00:00", sub(2, { event_type: "payment.failed", payment_status: "failed" }));
    await story.on("2026-02-20T10:00:00", sub(2, { next_payment_at: "2026-03-01" }));
    await story.on("2026-03-01T10:00:00", sub(3, { next_payment_at: "2026-04-01" }));
    await story.on("2026-03-05T10:00:00", cancel("2026-04-01"));
    await story.at(mappedAt);
    await story.product(club);
    await story.at("2026-06-01");
    expect(await story.mailKinds()).toEqual(kinds);
    await story.holds();
  }
});

const club = { product_id: "4be81c07", features: ["club"] };

function sub(rate: number, more: Message = {}): Message {
  return {
    payment_plan: "abonnement",
    frequency: "monthly",
    rate_number: rate,
    transaction_amount: "29.0",
    next_payment_at: null,
    ...more,
  };
}

function cancel(day: string, more: Message = {}): Message {
  return {
    event_type: "payment.recurring.cancelled",
    payment_plan: "abonnement",
    frequency: "monthly",
    is_cancelled_for: day,
    ...more,
  };
}

/** A shop that remembers what it was sent. */
async function tell(start: string, products: readonly (typeof club)[] = [club]) {
  const shop = await openShop(start);
  for (const product of products) await shop.product(product);
  const sent: string[] = [];
  const allowed = (at: string) => shop.allowed("kim@example.com", "club", at);
  const told = async () => {
    const { state, balance, items, transactions } = await shop.order("A1B2C3D4");
    return { state, balance, items, transactions, mails: await shop.mails(), alarms: await shop.alarms() };
  };
  return {
    ...shop,
    async on(time: string, message: Message): Promise<void> {
      await shop.at(time);
      const bytes = shop.bytes(message);
      sent.push(bytes);
      expect(await shop.post(bytes)).toEqual({ status: 200, body: "OK" });
      await shop.paybell.settle();
    },
    open: async (at: string) => expect(await allowed(at), at).toBe(true),
    closed: async (at: string) => expect(await allowed(at), at).toBe(false),
    /** Everything once more, sent and processed: nothing changes, and a rebuild finds no differences. */
    async holds(): Promise<void> {
      const before = await told();
      for (const bytes of sent) await shop.post(bytes);
      await shop.paybell.settle();
      for (const { id } of await shop.notifications()) await shop.ok("POST", `/v1/notifications/${id}/replay`);
      await shop.paybell.settle();
      expect(await told()).toEqual(before);
      expect((await shop.paybell.rebuild()).differences).toEqual([]);
    },
  };
}

test("what becomes of a plan an upgrade has replaced is not mailed (R14)", async () => {
  const shop = await openShop("2026-01-15T10:00:00");
  const old = await shop.product({ product_id: "basic", name: "Basic", features: ["basic"] });
  await shop.product({ product_id: "pro", name: "Pro", features: ["pro"], replaces: [old.id] });
  const plan = { payment_plan: "abonnement", frequency: "monthly", transaction_amount: "10.0" };
  await shop.notify({ ...plan, order_id: "BASIC001", product_id: "basic", next_payment_at: "2026-02-15" });
  await shop.at("2026-01-20T10:00:00");
  await shop.notify({ order_id: "PRO00001", product_id: "pro", transaction_amount: "100.0" });
  expect([await shop.allowed("kim@example.com", "basic"), await shop.allowed("kim@example.com", "pro")]).toEqual([
    false,
    true,
  ]);
  await shop.at("2026-03-10T10:00:00");
  expect(await shop.mailKinds()).toEqual(["access_data", "access_data"]);
  expect(await shop.allowed("kim@example.com", "basic", "2026-01-19T10:00:00")).toBe(true);
});

test("an upgrade given back within the paid time of the old plan leaves no moment with neither (R14)", async () => {
  const shop = await openShop("2026-01-15T10:00:00");
  const old = await shop.product({ product_id: "basic", name: "Basic", features: ["basic"] });
  await shop.product({ product_id: "pro", name: "Pro", features: ["pro"], replaces: [old.id] });
  const plan = { payment_plan: "abonnement", frequency: "monthly", transaction_amount: "10.0" };
  await shop.notify({ ...plan, order_id: "BASIC001", product_id: "basic", next_payment_at: "2026-02-15" });
  await shop.at("2026-01-20T10:00:00");
  await shop.notify({ order_id: "PRO00001", product_id: "pro", transaction_amount: "100.0" });
  await shop.at("2026-01-25T10:00:00");
  await shop.notify({
    order_id: "PRO00001",
    product_id: "pro",
    transaction_amount: "100.0",
    event_type: "payment.refunded",
    payment_status: "successed_refunded",
  });
  expect([await shop.allowed("kim@example.com", "basic"), await shop.allowed("kim@example.com", "pro")]).toEqual([
    true,
    false,
  ]);
});

test("of messages that arrive together, the one with the vendor's signature says whose order it is; a forged one says nothing (R17)", async () => {
  const shop = await openShop("2026-01-15T10:00:00");
  await shop.product({ product_id: "4be81c07", features: ["course"] });
  const member = await shop.ok<{ id: string; checkout_reference: string }>("POST", "/v1/customers", {
    reference: "member-1",
    email: "member@example.com",
  });
  await shop.post(
    shop.bytes({
      order_id: "ORDER001",
      buyer_email: "other@example.com",
      event_type: "payment.pending",
      payment_status: "pending",
    }),
  );
  await shop.post(
    shop.bytes({ order_id: "ORDER001", buyer_email: "other@example.com", metadata: member.checkout_reference }),
  );
  await shop.post(
    shop.bytes({
      order_id: "ORDER002",
      buyer_email: "thief@example.com",
      metadata: `${member.checkout_reference.slice(0, -1)}_`,
    }),
  );
  await shop.paybell.settle();
  expect(await shop.allowed("member@example.com", "course")).toBe(true);
  expect(await shop.allowed("other@example.com", "course")).toBe(false);
  expect(await shop.allowed("thief@example.com", "course")).toBe(true);
  expect(
    (await shop.ok<{ data: { order_id: string; customer_id: string }[] }>("GET", "/v1/orders?order_id=ORDER002"))
      .data[0]!.customer_id,
  ).not.toBe(member.id);
});
