import { EventEmitter, once } from "node:events";
import { pino } from "pino";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createSeal } from "../db/seal.ts";
import { newId } from "../domain/id.ts";
import { type TestDatabase, testDatabase } from "../testing/database.ts";
import { decodeHeader, mailServer } from "../testing/mail-server.ts";
import { type MailDuty, type SealedMail, sealedFor, sendDueMails } from "./deliver.ts";
import { createMailTransport, type MailTransport, type SendResult } from "./smtp.ts";

const start = Date.parse("2026-02-03T09:15:00Z");
const minute = 60_000;
const seal = createSeal(Buffer.alloc(32, 7));
const log = pino({ level: "silent" });
const accountId = newId(start);

let database: TestDatabase;
let now: number;
const closes: (() => void)[] = [];

beforeAll(async () => {
  database = await testDatabase();
  await database.pool.query("insert into account (id, name, created_at) values ($1, 'Shop', $2)", [
    accountId,
    new Date(start),
  ]);
});

beforeEach(async () => {
  now = start;
  await database.pool.query("truncate delivery, item, orders, customer cascade");
});

afterEach(() => closes.splice(0).forEach((close) => close()));

function smtp(url: string): MailTransport {
  const transport = createMailTransport(url, { connectMs: 2000, greetingMs: 2000, silenceMs: 2000, deadlineMs: 4000 });
  closes.push(() => transport.close());
  return transport;
}

function duty(mail: MailTransport | null, more: Partial<MailDuty> = {}): MailDuty {
  return {
    pool: database.pool,
    clock: () => now,
    seal,
    log,
    mail,
    random: () => 0.5,
    stillOpen: async (deliveries) => new Set(deliveries.map(({ deliveryId }) => deliveryId)),
    onBounce: async () => undefined,
    ...more,
  };
}

test("a due mail is delivered once, with its id, its sender and both parts", async () => {
  const server = await mailServer();
  const id = await queue({ recipient: "kim@example.com" });
  expect(await sendDueMails(duty(smtp(server.url)), 100)).toBe(1);
  expect(await sendDueMails(duty(smtp(server.url)), 100)).toBe(0);

  expect(server.received).toHaveLength(1);
  const [mail] = server.received;
  expect(mail).toMatchObject({ to: "kim@example.com", from: "hello@shop.example.de" });
  expect(mail?.headers).toMatchObject({ "message-id": `<${id}@shop.example.de>`, "auto-submitted": "auto-generated" });
  expect(decodeHeader(mail?.headers.subject ?? "")).toBe("Grüße");
  expect(mail?.parts).toMatchObject({ "text/plain": "Schön.\r\n", "text/html": "<p>Schön.</p>\r\n" });
  expect(await row(id)).toEqual({
    state: "sent",
    reason: null,
    attempts: 1,
    due_at: start,
    sent_at: start,
    leased_until: null,
  });
});

test("what is not due yet waits", async () => {
  const server = await mailServer();
  await queue({ dueAt: start + minute });
  expect(await sendDueMails(duty(smtp(server.url)), 100)).toBe(0);
  now = start + minute;
  expect(await sendDueMails(duty(smtp(server.url)), 100)).toBe(1);
  expect(server.received).toHaveLength(1);
});

test("no more than the limit is dealt with", async () => {
  const server = await mailServer();
  await Promise.all(Array.from({ length: 12 }, () => queue()));
  expect(await sendDueMails(duty(smtp(server.url)), 10)).toBe(10);
  expect(server.received).toHaveLength(10);
});

test("a mailbox that does not exist bounces, with the reason, and is not tried again", async () => {
  const server = await mailServer();
  server.answers.push("550 5.1.1 no such mailbox");
  const id = await queue();
  await sendDueMails(duty(smtp(server.url)), 100);
  expect(await row(id)).toMatchObject({
    state: "bounced",
    reason: "recipient_refused: The recipient's address was refused: 550 5.1.1 no such mailbox",
    attempts: 1,
  });
  now += 100 * 24 * 60 * minute;
  expect(await sendDueMails(duty(smtp(server.url)), 100)).toBe(0);
  expect(server.received).toEqual([]);
});

test("a mail deferred by the server goes out later, under the same id", async () => {
  const server = await mailServer();
  server.answers.push("451 4.7.1 greylisted");
  const id = await queue();
  const mails = duty(smtp(server.url));
  expect(await sendDueMails(mails, 100)).toBe(1);
  expect(await row(id)).toMatchObject({ state: "due", attempts: 1, due_at: start + minute / 2, sent_at: null });
  expect((await row(id)).reason).toMatch(/^smtp_deferred: /);
  now = start + minute;
  expect(await sendDueMails(mails, 100)).toBe(1);
  expect(await row(id)).toMatchObject({ state: "sent", reason: null, attempts: 2, sent_at: start + minute });
  expect(server.received.map(({ headers }) => headers["message-id"])).toEqual([`<${id}@shop.example.de>`]);
});

test("while the server is down mails wait, and they arrive once it is up", async () => {
  const down = await mailServer();
  await down.stop();
  const mails = duty(smtp(down.url));
  const ids = await Promise.all([queue(), queue(), queue()]);
  await sendDueMails(mails, 100);
  for (const id of ids) expect(await row(id)).toMatchObject({ state: "due", attempts: 1 });
  const up = await mailServer({ port: down.port });
  now += minute;
  expect(await sendDueMails(mails, 100)).toBe(3);
  expect(up.received).toHaveLength(3);
});

test("the waits grow as written down, and after the last one the mail has failed", async () => {
  const server = await mailServer();
  const mails = duty(smtp(server.url), { random: () => 1 - Number.EPSILON });
  const id = await queue();
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 8; attempt++) {
    server.answers.push("451 4.3.0 later");
    expect(await sendDueMails(mails, 100)).toBe(1);
    const { state, due_at } = await row(id);
    if (state === "due") waits.push(Math.round((due_at - now) / minute));
    now = Math.max(now, due_at);
  }
  expect(waits).toEqual([1, 5, 15, 60, 240, 720, 1440]);
  expect(await row(id)).toMatchObject({ state: "failed", attempts: 8 });
  now += 100 * 24 * 60 * minute;
  expect(await sendDueMails(mails, 100)).toBe(0);
});

test("a retry without any jitter still lies in the future", async () => {
  const server = await mailServer();
  server.answers.push("451 4.3.0 later");
  const id = await queue();
  expect(await sendDueMails(duty(smtp(server.url), { random: () => 0 }), 100)).toBe(1);
  expect((await row(id)).due_at).toBeGreaterThan(start);
});

test("two senders on one database send each mail once", async () => {
  const server = await mailServer();
  const ids = await Promise.all(Array.from({ length: 40 }, () => queue()));
  const done = await Promise.all([
    sendDueMails(duty(smtp(server.url)), 100),
    sendDueMails(duty(smtp(server.url)), 100),
  ]);
  expect(done[0] + done[1]).toBe(40);
  expect(
    server.received.map(({ headers }) => headers["message-id"] ?? "").toSorted((a, b) => (a < b ? -1 : 1)),
  ).toEqual(ids.map((id) => `<${id}@shop.example.de>`).toSorted());
});

test("a mail whose sender died is left alone during its lease and sent after it", async () => {
  const server = await mailServer();
  const id = await queue();
  const dead = stalled();
  const lost = sendDueMails(duty(dead.transport), 100);
  await dead.reached;
  expect(await sendDueMails(duty(smtp(server.url)), 100)).toBe(0);
  await expireLeases();
  expect(await sendDueMails(duty(smtp(server.url)), 100)).toBe(1);
  expect(server.received).toHaveLength(1);
  expect(await row(id)).toMatchObject({ state: "sent", attempts: 2 });

  dead.end({ ok: false, permanent: true, code: "recipient_refused", sentence: "late" });
  await lost;
  expect(await row(id)).toMatchObject({ state: "sent", attempts: 2, reason: null });
});

test("a mail that went out after its lease was lost is still written as sent", async () => {
  const id = await queue();
  const slow = stalled();
  const first = sendDueMails(duty(slow.transport), 100);
  await slow.reached;
  await expireLeases();
  const server = await mailServer();
  server.answers.push("451 4.3.0 later");
  await sendDueMails(duty(smtp(server.url)), 100);
  slow.end({ ok: true });
  await first;
  expect(await row(id)).toMatchObject({ state: "sent" });
});

test("no transaction is open while the mail server is spoken to", async () => {
  await queue();
  const slow = stalled();
  const sending = sendDueMails(duty(slow.transport), 100);
  await slow.reached;
  const { rows } = await database.pool.query(
    "select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null and backend_type = 'client backend'",
  );
  expect(rows).toEqual([]);
  slow.end({ ok: true });
  await sending;
});

test("a mail that needs access is dropped when its item is closed at the moment of sending", async () => {
  const server = await mailServer();
  const [open, closed] = [await item(), await item()];
  const welcome = await queue({ itemId: open, needsAccess: true });
  const unwanted = await queue({ itemId: closed, needsAccess: true });
  const farewell = await queue({ itemId: closed });
  const stillOpen: MailDuty["stillOpen"] = async (deliveries) =>
    new Set(deliveries.filter(({ itemId }) => itemId === open).map(({ deliveryId }) => deliveryId));
  expect(await sendDueMails(duty(smtp(server.url), { stillOpen }), 100)).toBe(3);
  expect(await row(welcome)).toMatchObject({ state: "sent" });
  expect(await row(farewell)).toMatchObject({ state: "sent" });
  expect(await row(unwanted)).toMatchObject({ state: "dropped", reason: "no_access", attempts: 0, sent_at: null });
  expect(server.received).toHaveLength(2);
});

test("nothing is sent to an erased customer or to nobody", async () => {
  const server = await mailServer();
  const erased = await queue({ itemId: await item({ erased: true }) });
  const nobody = await queue({ recipient: null });
  expect(await sendDueMails(duty(smtp(server.url)), 100)).toBe(2);
  expect(await row(erased)).toMatchObject({ state: "dropped", reason: "erased", attempts: 0 });
  expect(await row(nobody)).toMatchObject({ state: "kept", reason: "no_recipient", attempts: 0 });
  expect(server.received).toEqual([]);
});

test("without a mail server due mails are kept and say why", async () => {
  const due = await queue();
  const later = await queue({ dueAt: start + minute });
  expect(await sendDueMails(duty(null), 100)).toBe(1);
  expect(await sendDueMails(duty(null), 100)).toBe(0);
  expect(await row(due)).toMatchObject({ state: "kept", reason: "no_smtp" });
  expect(await row(later)).toMatchObject({ state: "due", reason: null });
});

test("one mail that cannot be opened holds up no other and is tried again", async () => {
  const server = await mailServer();
  const unreadable = await queue({ sealedBy: createSeal(Buffer.alloc(32, 8)) });
  const fine = await queue();
  expect(await sendDueMails(duty(smtp(server.url)), 100)).toBe(2);
  expect(await row(fine)).toMatchObject({ state: "sent" });
  expect(await row(unreadable)).toMatchObject({ state: "due", attempts: 1 });
  expect((await row(unreadable)).reason).toMatch(/^content_unreadable: /);
});

type Queued = {
  itemId?: string;
  recipient?: string | null;
  needsAccess?: boolean;
  dueAt?: number;
  sealedBy?: typeof seal;
};

async function queue(mail: Queued = {}): Promise<string> {
  const id = newId(start);
  const content: SealedMail = {
    from: "Shop <hello@shop.example.de>",
    subject: "Grüße",
    html: "<p>Schön.</p>",
    text: "Schön.",
  };
  await database.pool.query(
    `insert into delivery (account_id, id, mode, item_id, kind, recipient, language, needs_access, sealed, state, due_at, created_at)
     values ($1, $2, 'live', $3, 'access_data', $4, 'de', $5, $6, 'due', $7, $8)`,
    [
      accountId,
      id,
      mail.itemId ?? null,
      mail.recipient === undefined ? "kim@example.com" : mail.recipient,
      mail.needsAccess ?? false,
      (mail.sealedBy ?? seal).seal(JSON.stringify(content), sealedFor(id)),
      new Date(mail.dueAt ?? start),
      new Date(start),
    ],
  );
  return id;
}

async function item({ erased = false } = {}): Promise<string> {
  const [customer, order, id] = [newId(start), newId(start), newId(start)];
  const at = new Date(start);
  await database.pool.query(
    "insert into customer (account_id, id, mode, created_at, erased_at) values ($1, $2, 'live', $3, $4)",
    [accountId, customer, at, erased ? at : null],
  );
  await database.pool.query(
    `insert into orders (account_id, id, mode, protocol, provider_account, order_id, customer_id, email, contact_email, buyer, created_at)
     values ($1, $2, 'live', 'copecart', 'shop', $3, $4, 'kim@example.com', 'kim@example.com', '{}', $5)`,
    [accountId, order, `order-${order}`, customer, at],
  );
  await database.pool.query(
    `insert into item (account_id, id, order_row, customer_id, mode, protocol, product_key, created_at)
     values ($1, $2, $3, $4, 'live', 'copecart', 'p-1', $5)`,
    [accountId, id, order, customer, at],
  );
  return id;
}

async function row(id: string) {
  const { rows } = await database.pool.query<{
    state: string;
    reason: string | null;
    attempts: number;
    due_at: number;
    sent_at: number | null;
    leased_until: number | null;
  }>("select state, reason, attempts, due_at, sent_at, leased_until from delivery where id = $1", [id]);
  const [found] = rows;
  if (!found) throw new Error("The delivery is gone.");
  return found;
}

async function expireLeases(): Promise<void> {
  await database.pool.query(
    "update delivery set leased_until = clock_timestamp() - interval '1 second' where state = 'sending'",
  );
}

/** A mail server that takes a mail and says nothing until told what. */
function stalled() {
  const events = new EventEmitter();
  const reached = once(events, "reached");
  const told = once(events, "told");
  const transport: MailTransport = {
    async send() {
      events.emit("reached");
      const [result] = await told;
      return result;
    },
    close() {},
  };
  return { transport, reached, end: (result: SendResult) => events.emit("told", result) };
}
