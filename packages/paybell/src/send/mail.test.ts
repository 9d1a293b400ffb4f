import { EventEmitter, once } from "node:events";
import { afterEach, expect, test, vi } from "vitest";
import { createSeal } from "../db/seal.ts";
import { decodeHeader, type MailServer, mailServer } from "../testing/mail-server.ts";
import { day, gate, minute, type Node, openWorld, start, until } from "../testing/sending.ts";
import { createMailTransport, type MailTransport, type SendResult } from "./smtp.ts";

afterEach(() => void vi.restoreAllMocks());

function smtp(url: string): MailTransport {
  return createMailTransport(url, { connectMs: 2000, greetingMs: 2000, silenceMs: 2000, deadlineMs: 4000 });
}

/** `Message-ID`s, in no order that matters */
const messageIds = ({ received }: MailServer) => new Set(received.map(({ headers }) => headers["message-id"]));
const idsOf = (mails: readonly string[]) => new Set(mails.map((id) => `<${id}@shop.example.de>`));

test("a due mail is sent once, with its id, its sender and both parts", async () => {
  const world = await openWorld();
  const server = await mailServer();
  const id = await world.mail({ recipient: "kim@example.com" });
  const node = world.node({ smtp: smtp(server.url) });
  await node.lanes.settle();
  await node.lanes.settle();
  expect(server.received).toHaveLength(1);
  const [mail] = server.received;
  expect(mail).toMatchObject({ to: "kim@example.com", from: "hello@shop.example.de" });
  expect(mail?.headers).toMatchObject({ "message-id": `<${id}@shop.example.de>`, "auto-submitted": "auto-generated" });
  expect(decodeHeader(mail?.headers.subject ?? "")).toBe("Grüße");
  expect(mail?.parts).toMatchObject({ "text/plain": "Schön.\r\n", "text/html": "<p>Schön.</p>\r\n" });
  expect(await world.delivery(id)).toMatchObject({
    state: "sent",
    reason: null,
    attempts: 1,
    due_at: start,
    sent_at: start,
  });
  expect(await world.attempts(id)).toMatchObject([{ number: 1, at: start, status: null, code: null, sentence: null }]);
});

test("a mail that was just written goes out at once", async () => {
  const world = await openWorld();
  const server = await mailServer();
  const node = world.node({ smtp: smtp(server.url) });
  await node.lanes.start();
  await world.mail();
  node.context.sending.look([world.accountId]);
  await until(() => server.received.length === 1);
});

test("what is not due yet waits", async () => {
  const world = await openWorld();
  const server = await mailServer();
  await world.mail({ dueAt: start + minute });
  const node = world.node({ smtp: smtp(server.url) });
  await node.lanes.settle();
  expect(server.received).toEqual([]);
  world.pass(minute);
  await node.lanes.settle();
  expect(server.received).toHaveLength(1);
});

test("a mailbox that does not exist bounces, with the reason, and is not tried again", async () => {
  const world = await openWorld();
  const server = await mailServer();
  server.answers.push("550 5.1.1 no such mailbox");
  const id = await world.mail({ itemId: await world.item() });
  const node = world.node({ smtp: smtp(server.url) });
  await node.lanes.settle();
  expect(await world.delivery(id)).toMatchObject({
    state: "bounced",
    reason: "recipient_refused: The recipient's address was refused: 550 5.1.1 no such mailbox",
    attempts: 1,
  });
  expect(await world.sql("select kind, key from alarm where account_id = $1", [world.accountId])).toEqual([
    { kind: "mail_bounced", key: id },
  ]);
  world.pass(80 * day);
  await node.lanes.settle();
  expect(server.received).toEqual([]);
});

test("a mail put off by the server goes out later, under the same id", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const world = await openWorld();
  const server = await mailServer();
  server.answers.push("451 4.7.1 greylisted");
  const id = await world.mail();
  const node = world.node({ smtp: smtp(server.url) });
  await node.lanes.settle();
  expect(await world.delivery(id)).toMatchObject({
    state: "due",
    attempts: 1,
    due_at: start + minute / 2,
    sent_at: null,
    reason: expect.stringMatching(/^smtp_deferred: /),
  });
  world.pass(minute);
  await node.lanes.settle();
  expect(await world.delivery(id)).toMatchObject({
    state: "sent",
    reason: null,
    attempts: 2,
    sent_at: start + minute,
  });
  expect(server.received).toHaveLength(1);
  expect(messageIds(server)).toEqual(idsOf([id]));
});

test("while the server is down mails wait, and all of them arrive once it is up", async () => {
  const world = await openWorld();
  const down = await mailServer();
  await down.stop();
  const mails = [await world.mail(), await world.mail(), await world.mail()];
  const node = world.node({ smtp: smtp(down.url) });
  await node.lanes.settle();
  for (const id of mails) {
    expect(await world.delivery(id)).toMatchObject({
      state: "due",
      attempts: 1,
      reason: expect.stringMatching(/^smtp_unreachable: /),
    });
  }
  const up = await mailServer({ port: down.port });
  world.pass(minute);
  await node.lanes.settle();
  expect(up.received).toHaveLength(3);
  expect(messageIds(up)).toEqual(idsOf(mails));
});

test("a server that is down is asked ever more rarely, and not for each mail that waits", async () => {
  const world = await openWorld();
  const down = await mailServer();
  await down.stop();
  for (let n = 0; n < 30; n++) await world.mail();
  const node = world.node({ smtp: smtp(down.url) });
  await node.lanes.settle();
  expect((await world.attempts()).length).toBeLessThanOrEqual(5 + 3);
  expect(await world.lane(world.accountId)).toMatchObject({ failing_since: start, open_until: expect.any(Number) });
});

test("mailboxes that put mail off, however many, keep no other mail waiting", async () => {
  const world = await openWorld();
  const server = await mailServer();
  server.answers.push(...Array<string>(12).fill("451 4.7.1 greylisted"));
  for (let n = 0; n < 20; n++) await world.mail();
  await world.node({ smtp: smtp(server.url) }).lanes.settle();
  expect(server.received).toHaveLength(8);
});

test("the waits grow as written down, and after the last one the mail has failed", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1 - 2 ** -53);
  const world = await openWorld();
  const server = await mailServer();
  const node = world.node({ smtp: smtp(server.url) });
  const id = await world.mail();
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 8; attempt++) {
    server.answers.push("451 4.3.0 later");
    await node.lanes.settle();
    const { state, due_at, attempts } = await world.delivery(id);
    expect(attempts).toBe(attempt);
    if (state === "due") waits.push(Math.round((due_at - world.now()) / minute));
    world.set(Math.max(world.now(), due_at));
  }
  expect(waits).toEqual([1, 5, 15, 60, 240, 720, 1440]);
  expect(await world.delivery(id)).toMatchObject({ state: "failed", attempts: 8 });
  world.pass(80 * day);
  await node.lanes.settle();
  expect(server.received).toEqual([]);
});

test("a repeat without any jitter still lies in the future", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const world = await openWorld();
  const server = await mailServer();
  server.answers.push("451 4.3.0 later");
  const id = await world.mail();
  await world.node({ smtp: smtp(server.url) }).lanes.settle();
  expect((await world.delivery(id)).due_at).toBe(start + 1000);
});

test("two nodes on one store send each mail once", async () => {
  const world = await openWorld();
  const server = await mailServer();
  const mails = await Promise.all(Array.from({ length: 40 }, () => world.mail()));
  const nodes = [world.node({ smtp: smtp(server.url) }), world.node({ smtp: smtp(server.url) })];
  await Promise.all(nodes.map((node) => node.lanes.settle()));
  expect(server.received).toHaveLength(40);
  expect(messageIds(server)).toEqual(idsOf(mails));
});

test("a mail whose sender died is left alone during its lease and sent after it", async () => {
  const world = await openWorld();
  const server = await mailServer();
  const id = await world.mail();
  const dead = stalled();
  const loser = world.node({ smtp: dead.transport });
  await lookedAt(loser, world.accountId);
  await dead.reached;
  const other = world.node({ smtp: smtp(server.url) });
  await other.lanes.tick();
  expect(server.received).toEqual([]);
  await world.expireLease(world.accountId);
  await other.lanes.settle();
  expect(server.received).toHaveLength(1);
  expect(await world.delivery(id)).toMatchObject({ state: "sent", attempts: 1 });

  dead.end({ ok: false, permanent: true, code: "recipient_refused", sentence: "late" });
  await until(async () => (await world.attempts(id)).length === 2);
  expect(await world.delivery(id)).toMatchObject({ state: "sent", attempts: 1, reason: null });
});

test("a mail that went out after its lease was lost is still written as sent", async () => {
  const world = await openWorld();
  const server = await mailServer();
  const id = await world.mail();
  const slow = stalled();
  const loser = world.node({ smtp: slow.transport });
  await lookedAt(loser, world.accountId);
  await slow.reached;
  await world.expireLease(world.accountId);
  server.answers.push("451 4.3.0 later");
  await world.node({ smtp: smtp(server.url) }).lanes.settle();
  expect(await world.delivery(id)).toMatchObject({ state: "due", attempts: 1 });
  slow.end({ ok: true });
  await until(async () => (await world.delivery(id)).state === "sent");
});

test("no transaction is open while the mail server is spoken to", async () => {
  const world = await openWorld();
  await world.mail();
  const slow = stalled();
  await lookedAt(world.node({ smtp: slow.transport }), world.accountId);
  await slow.reached;
  const open = () =>
    world.sql(
      `select 1 from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null and backend_type = 'client backend'`,
    );
  // What else the node does at this moment passes; the mail does not.
  await until(async () => (await open()).length === 0);
  slow.end({ ok: true });
});

test("several mails are under way at once, and no more than the server is given connections", async () => {
  const world = await openWorld();
  const held = gate();
  let underWay = 0;
  let most = 0;
  const transport: MailTransport = {
    async send() {
      most = Math.max(most, ++underWay);
      await held.opened;
      underWay--;
      return { ok: true };
    },
    close() {},
  };
  for (let n = 0; n < 12; n++) await world.mail();
  const settled = world.node({ smtp: transport }).lanes.settle();
  await until(() => underWay > 1);
  held.open();
  await settled;
  expect(most).toBeLessThanOrEqual(4);
  expect((await world.deliveries()).every(({ state }) => state === "sent")).toBe(true);
});

test("a mail that needs access is dropped when its item is closed at the moment of sending", async () => {
  const world = await openWorld();
  const server = await mailServer();
  const [open, closed] = [await world.item({ open: true }), await world.item()];
  const welcome = await world.mail({ itemId: open, needsAccess: true });
  const unwanted = await world.mail({ itemId: closed, needsAccess: true });
  const farewell = await world.mail({ itemId: closed });
  await world.node({ smtp: smtp(server.url) }).lanes.settle();
  expect(await world.delivery(welcome)).toMatchObject({ state: "sent" });
  expect(await world.delivery(farewell)).toMatchObject({ state: "sent" });
  expect(await world.delivery(unwanted)).toMatchObject({
    state: "dropped",
    reason: "no_access",
    attempts: 0,
    sent_at: null,
  });
  expect(server.received).toHaveLength(2);
});

test("nothing is sent to an erased customer or to nobody", async () => {
  const world = await openWorld();
  const server = await mailServer();
  const erased = await world.mail({ itemId: await world.item({ erased: true }) });
  const nobody = await world.mail({ recipient: null });
  await world.node({ smtp: smtp(server.url) }).lanes.settle();
  expect(await world.delivery(erased)).toMatchObject({ state: "dropped", reason: "erased", attempts: 0 });
  expect(await world.delivery(nobody)).toMatchObject({ state: "kept", reason: "no_recipient", attempts: 0 });
  expect(server.received).toEqual([]);
});

test("without a mail server due mails are kept and say why", async () => {
  const world = await openWorld();
  const due = await world.mail();
  const later = await world.mail({ dueAt: start + minute });
  const node = world.node();
  await node.lanes.settle();
  expect(await world.delivery(due)).toMatchObject({ state: "kept", reason: "no_smtp" });
  expect(await world.delivery(later)).toMatchObject({ state: "due", reason: null });
});

test("one mail that cannot be opened holds up no other and is tried again", async () => {
  const world = await openWorld();
  const server = await mailServer();
  const unreadable = await world.mail({ seal: createSeal(Buffer.alloc(32, 8)) });
  const fine = await world.mail();
  await world.node({ smtp: smtp(server.url) }).lanes.settle();
  expect(await world.delivery(fine)).toMatchObject({ state: "sent" });
  expect(await world.delivery(unreadable)).toMatchObject({
    state: "due",
    attempts: 1,
    reason: expect.stringMatching(/^content_unreadable: /),
  });
});

test("a mail whose item cannot be judged is an attempt with a reason, and holds up no other", async () => {
  const world = await openWorld();
  const server = await mailServer();
  const item = await world.item({ open: true });
  await world.sql("update item set state = $2 where id = $1", [item, { spans: 5 }]);
  const odd = await world.mail({ itemId: item, needsAccess: true });
  const fine = await world.mail();
  await world.node({ smtp: smtp(server.url) }).lanes.settle();
  expect(await world.delivery(fine)).toMatchObject({ state: "sent" });
  expect(await world.delivery(odd)).toMatchObject({
    state: "due",
    attempts: 1,
    reason: expect.stringMatching(/^send_failed: /),
  });
});

test("two accounts' mails go out side by side: one account's many keep nobody waiting", async () => {
  const world = await openWorld();
  const server = await mailServer();
  const other = await world.account();
  await Promise.all(Array.from({ length: 60 }, () => world.mail()));
  const [first] = [await world.mail({ accountId: other, recipient: "other@example.com" })];
  await world.node({ smtp: smtp(server.url) }).lanes.settle();
  const place = server.received.findIndex(({ to }) => to === "other@example.com");
  expect(place).toBeGreaterThanOrEqual(0);
  expect(place).toBeLessThan(50);
  expect(await world.delivery(first)).toMatchObject({ state: "sent" });
});

/** Begins the mails of an account, and does not wait for them to end. */
async function lookedAt(node: Node, accountId: string): Promise<void> {
  await node.lanes.start();
  node.lanes.look([accountId]);
}

/** A mail server that takes a mail and says nothing until told what. */
function stalled() {
  const events = new EventEmitter();
  const reached = once(events, "reached");
  const told = once(events, "told");
  const transport: MailTransport = {
    async send() {
      events.emit("reached");
      const [result] = (await told) as [SendResult];
      return result;
    },
    close() {},
  };
  return { transport, reached, end: (result: SendResult) => events.emit("told", result) };
}
