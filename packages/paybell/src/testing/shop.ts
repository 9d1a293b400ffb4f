import { createHmac } from "node:crypto";
import { Temporal } from "temporal-polyfill";
import { afterAll } from "vitest";
import { createPaybell, type Paybell, type PaybellOptions } from "../paybell.ts";
import { emptyDatabase } from "./database.ts";

export const apiKey = "pb_live_a-key-for-tests-only-0123456789";
const secret = "a-secret-for-tests";

/** A CopeCart message; what a test does not name is as of a one-time sale of 97.00. */
export type Message = Readonly<Record<string, unknown>>;

export type Shop = {
  readonly paybell: Paybell;
  connection: { id: string; url: string };
  /** moves the clock, and lets what is due happen */
  at(time: string | number): Promise<void>;
  /** moves the clock alone */
  set(time: string): void;
  now(): number;
  api(method: string, path: string, body?: unknown, key?: string): Promise<{ status: number; json: unknown }>;
  /** the answer of a call that must succeed */
  ok<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** the body as the provider would send it */
  bytes(message: Message): string;
  post(bytes: string | Uint8Array, signature?: string, url?: string): Promise<{ status: number; body: string }>;
  /** signs, sends, expects `OK`, and lets what follows happen */
  notify(message: Message): Promise<void>;
  product(product: Message & { readonly product_id?: string }): Promise<{ id: string }>;
  access(email: string, feature: string, at?: string, mode?: string): Promise<Access>;
  allowed(email: string, feature: string, at?: string): Promise<boolean>;
  order(orderId: string, mode?: string): Promise<Order>;
  mails(query?: Record<string, string>): Promise<Mail[]>;
  /** kinds of the mails sent so far, in order */
  mailKinds(query?: Record<string, string>): Promise<string[]>;
  notifications(query?: Record<string, string>): Promise<Notification[]>;
  alarms(): Promise<string[]>;
};

/** A seller with one CopeCart connection, on a store of its own and a clock of the test's. Times are Berlin's. */
export async function openShop(
  start: string,
  { newConnection = true, ...options }: PaybellOptions & { newConnection?: boolean } = {},
): Promise<Shop> {
  let now = berlin(start);
  const paybell = await createPaybell({
    database: process.env.PAYBELL_TEST_DATABASE_URL ? await freshDatabase() : "memory",
    masterKey: Buffer.alloc(32, 7).toString("base64"),
    apiKey,
    clock: () => now,
    ...options,
  });
  opened.push(paybell);
  const shop: Shop = {
    paybell,
    async at(time: string | number): Promise<void> {
      now = typeof time === "number" ? time : berlin(time);
      await paybell.settle();
    },
    set(time: string) {
      now = berlin(time);
    },
    now: () => now,
    api: (method: string, path: string, body?: unknown, key = apiKey): Promise<{ status: number; json: unknown }> =>
      call(paybell, method, path, body, key),
    connection: { id: "", url: "" },
    bytes: (message: Message): string => JSON.stringify(copecartMessage(now, message)),
    async post(
      bytes: string | Uint8Array,
      signature = sign(bytes),
      url = shop.connection.url,
    ): Promise<{ status: number; body: string }> {
      const body = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
      const response = await paybell.fetch(
        new Request(url, {
          method: "POST",
          headers: { "content-type": "application/json", "x-copecart-signature": signature },
          body: body as BodyInit,
        }),
      );
      return { status: response.status, body: await response.text() };
    },
    async notify(message: Message): Promise<void> {
      const answer = await shop.post(shop.bytes(message));
      if (answer.status !== 200 || answer.body !== "OK") throw new Error(`Answered ${answer.status} ${answer.body}`);
      await paybell.settle();
    },
    async product(product: Message & { readonly product_id?: string }): Promise<{ id: string }> {
      const { product_id, ...rest } = product;
      const sources = product_id ? [{ protocol: "copecart", product_id }] : [];
      return shop.ok<{ id: string }>("POST", "/v1/products", { name: "Product", sources, ...rest });
    },
    async ok<T>(method: string, path: string, body?: unknown): Promise<T> {
      const { status, json } = await call(paybell, method, path, body, apiKey);
      if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(json)}`);
      return json as T;
    },
    async access(email: string, feature: string, at?: string, mode?: string): Promise<Access> {
      const query = new URLSearchParams({ email, feature, ...(at && { at: iso(berlin(at)) }), ...(mode && { mode }) });
      return shop.ok<Access>("GET", `/v1/access?${query}`);
    },
    async allowed(email: string, feature: string, at?: string): Promise<boolean> {
      return (await shop.access(email, feature, at)).allowed;
    },
    async order(orderId: string, mode = "live"): Promise<Order> {
      const { data } = await shop.ok<{ data: Order[] }>("GET", `/v1/orders?order_id=${orderId}&mode=${mode}`);
      if (data.length !== 1) throw new Error(`${data.length} orders named ${orderId}`);
      return data[0]!;
    },
    async mails(query: Record<string, string> = {}): Promise<Mail[]> {
      return (await shop.ok<{ data: Mail[] }>("GET", `/v1/mails?${new URLSearchParams({ limit: "200", ...query })}`))
        .data;
    },
    async mailKinds(query: Record<string, string> = {}): Promise<string[]> {
      return (await shop.mails(query)).toSorted((a, b) => (a.id < b.id ? -1 : 1)).map((mail) => mail.kind);
    },
    async notifications(query: Record<string, string> = {}): Promise<Notification[]> {
      return (
        await shop.ok<{ data: Notification[] }>(
          "GET",
          `/v1/notifications?${new URLSearchParams({ limit: "200", ...query })}`,
        )
      ).data;
    },
    async alarms(): Promise<string[]> {
      return (await shop.ok<{ data: { kind: string }[] }>("GET", "/v1/alarms?limit=200")).data
        .map((alarm) => alarm.kind)
        .toSorted();
    },
  };
  if (!newConnection) return shop;
  shop.connection = await shop.ok("POST", "/v1/connections", {
    direction: "in",
    protocol: "copecart",
    name: "Shop",
    secrets: [secret],
    mode: "live",
  });
  return shop;
}

export type Access = {
  allowed: boolean;
  state: string;
  until: string | null;
  until_day: string | null;
  limit: number | null;
  because: { rule: string }[];
};
export type Item = {
  id: string;
  product_id: string;
  state: string;
  paid_through: string | null;
  balance: { minor: number; currency: string };
  rates: { paid: number; total: number | null };
  key_follows: boolean;
};
export type Order = {
  id: string;
  order_id: string;
  state: string;
  email: string;
  contact_email: string;
  balance: { minor: number; currency: string };
  items: Item[];
  transactions: { kind: string; at: string; amount: { minor: number } }[];
  timeline: { kind: string; at: string }[];
};
export type Mail = {
  id: string;
  kind: string;
  to: string | null;
  subject: string;
  text: string;
  state: string;
  intended_for: string | null;
};
export type Notification = {
  id: string;
  verdict: string;
  state: string;
  reason: string | null;
  arrivals: number;
  mode: string;
};

export function sign(body: string | Uint8Array, key = secret): string {
  return createHmac("sha256", key).update(body).digest("base64");
}

/** A clock time in Berlin; one that names its zone is taken as it stands. */
export function berlin(time: string): number {
  if (/(Z|[+-]\d\d:\d\d)$/.test(time)) return Date.parse(time);
  const text = time.includes("T") || time.includes(" ") ? time.replace(" ", "T") : `${time}T12:00:00`;
  return Temporal.PlainDateTime.from(text).toZonedDateTime("Europe/Berlin").epochMilliseconds;
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}

let sequence = 0;

function copecartMessage(now: number, message: Message): Message {
  const amount = message.transaction_amount ?? "97.0";
  const recurring = String(message.event_type).startsWith("payment.recurring.");
  const transaction = {
    transaction_id: `t${String(++sequence).padStart(15, "0")}`,
    transaction_type: "sale",
    transaction_date: iso(now),
    transaction_processed_at: null,
    transaction_currency: "EUR",
    transaction_amount: amount,
    line_item_amount: amount,
    rate_number: 1,
    test_payment: false,
  };
  return {
    event_type: "payment.made",
    order_id: "A1B2C3D4",
    order_date: iso(now).slice(0, 10),
    product_id: "4be81c07",
    product_name: "Video course",
    quantity: 1,
    buyer_id: "3fd90b7c51e2a468",
    buyer_email: "kim@example.com",
    buyer_firstname: "Kim",
    buyer_lastname: "Example",
    buyer_country_code: "DE",
    payment_method: "credit_card",
    payment_plan: "one_time_payment",
    payment_status: "paid",
    total_number_of_payments: null,
    frequency: null,
    next_payment_at: null,
    is_cancelled_for: null,
    metadata: null,
    earned_amount: amount,
    ...(recurring ? {} : transaction),
    ...message,
  };
}

async function call(
  paybell: Paybell,
  method: string,
  path: string,
  body: unknown,
  key: string,
): Promise<{ status: number; json: unknown }> {
  const response = await paybell.fetch(
    new Request(`http://127.0.0.1:8787${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
  );
  const text = await response.text();
  return { status: response.status, json: text === "" ? null : JSON.parse(text) };
}

const opened: Paybell[] = [];

afterAll(async () => {
  await Promise.all(opened.splice(0).map((paybell) => paybell.stop()));
});

async function freshDatabase(): Promise<string> {
  return (await emptyDatabase()).connection as string;
}
