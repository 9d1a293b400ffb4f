import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { decodeHeader, mailServer, portOf, refusal } from "../testing/mail-server.ts";
import { createMailTransport, type MailMessage, type MailTransport } from "./smtp.ts";

const message: MailMessage = {
  from: "Müller, Söhne & Co <hello@shop.example.de>",
  to: "kim@example.com",
  subject: "Ihr Zugang: Grüße aus Köln 🎓",
  html: "<p>Grüße – „Übung“</p>",
  text: "Grüße – „Übung“\n",
  messageId: "<0190f000-0000-7000-8000-000000000001@shop.example.de>",
  headers: { "Auto-Submitted": "auto-generated" },
};
const times = { connectMs: 2000, greetingMs: 2000, silenceMs: 2000, deadlineMs: 2000 };
const brief = { connectMs: 150, greetingMs: 150, silenceMs: 150, deadlineMs: 400 };

const closes: (() => void)[] = [];
afterEach(() => closes.splice(0).forEach((close) => close()));

function transport(url: string, limits = times): MailTransport {
  const made = createMailTransport(url, limits);
  closes.push(() => made.close());
  return made;
}

test("a mail arrives with its sender, both parts, umlauts and a stable id", async () => {
  const server = await mailServer();
  expect(await transport(server.url).send(message)).toEqual({ ok: true });
  expect(server.received).toHaveLength(1);
  const [mail] = server.received;
  expect(mail).toMatchObject({ from: "hello@shop.example.de", to: "kim@example.com" });
  expect(mail?.headers).toMatchObject({
    "message-id": message.messageId,
    "auto-submitted": "auto-generated",
    to: "kim@example.com",
  });
  expect(decodeHeader(mail?.headers.subject ?? "")).toBe(message.subject);
  expect(decodeHeader(mail?.headers.from ?? "")).toMatch(/^"?Müller, Söhne & Co"? <hello@shop\.example\.de>$/);
  expect(mail?.parts["text/plain"]).toContain("Grüße – „Übung“");
  expect(mail?.parts["text/html"]).toContain("<p>Grüße – „Übung“</p>");
});

test.each([
  ["550 5.1.1 mailbox of kim@example.com unknown", true, "recipient_refused"],
  ["552 5.2.2 mailbox full", true, "recipient_refused"],
  ["554 5.7.1 Relay access denied", false, "smtp_relay_refused"],
  ["550 5.7.60 Client does not have permissions to send as this sender", false, "smtp_relay_refused"],
  ["530 5.7.0 Authentication required", false, "smtp_auth_failed"],
  ["451 4.7.1 greylisted", false, "smtp_deferred"],
  ["452 4.2.2 mailbox full", false, "smtp_deferred"],
])("a recipient answered with %s: permanent is %s, code %s", async (answer, permanent, code) => {
  const server = await mailServer();
  server.answers.push(answer);
  const result = await transport(server.url).send(message);
  expect(result).toMatchObject({ ok: false, permanent, code });
  expect(JSON.stringify(result)).not.toContain("kim@example.com");
  expect(server.received).toEqual([]);
});

test.each([
  ["554 5.6.0 content rejected", true, "message_refused"],
  ["451 4.3.0 try later", false, "smtp_deferred"],
])("a message answered with %s: permanent is %s, code %s", async (answer, permanent, code) => {
  const server = await mailServer({
    onData: (stream, _session, done) => stream.resume().on("end", () => done(refusal(answer))),
  });
  expect(await transport(server.url).send(message)).toMatchObject({ ok: false, permanent, code });
});

test("a refused sender is ours to put right, not the recipient's bounce", async () => {
  const server = await mailServer({ onMailFrom: (_address, _session, done) => done(refusal("553 not owned by user")) });
  expect(await transport(server.url).send(message)).toMatchObject({ permanent: false, code: "smtp_sender_refused" });
});

test("a refused login is temporary and its sentence holds no password", async () => {
  const server = await mailServer({
    authOptional: false,
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    onAuth: (_auth, _session, done) => done(refusal("535 bad credentials")),
  });
  const result = await transport(server.url.replace("//", "//shop:s3cret@")).send(message);
  expect(result).toMatchObject({ ok: false, permanent: false, code: "smtp_auth_failed" });
  expect(JSON.stringify(result)).not.toContain("s3cret");
});

test("a certificate nobody vouches for gets no mail", async () => {
  const server = await mailServer({ disabledCommands: [] });
  expect(await transport(server.url).send(message)).toMatchObject({ permanent: false, code: "smtp_tls_failed" });
  expect(server.received).toEqual([]);
});

test("a server that is down is a temporary failure, and once it is up the same transport delivers", async () => {
  const first = await mailServer();
  const sender = transport(first.url);
  expect(await sender.send(message)).toEqual({ ok: true });
  await first.stop();
  expect(await sender.send(message)).toMatchObject({ ok: false, permanent: false, code: "smtp_unreachable" });
  const second = await mailServer({ port: first.port });
  expect(await sender.send(message)).toEqual({ ok: true });
  expect(second.received).toHaveLength(1);
});

test.each([
  ["never greets", ""],
  ["greets and then says nothing", "220 hello\r\n"],
  ["refuses everybody", "554 no service\r\n"],
])("a server that %s costs no more than the deadline", async (_, greeting) => {
  const port = await rawServer((socket) => socket.write(greeting));
  const result = await transport(`smtp://127.0.0.1:${port}`, brief).send(message);
  expect(result).toMatchObject({ ok: false, permanent: false });
});

test("a server that trickles its answers forever is left at the deadline", async () => {
  const port = await rawServer((socket) => {
    socket.write("220 hello\r\n");
    const timer = setInterval(() => socket.write("250-more\r\n"), 20);
    socket.on("close", () => clearInterval(timer));
  });
  const result = await transport(`smtp://127.0.0.1:${port}`, brief).send(message);
  expect(result).toMatchObject({ ok: false, permanent: false, code: "smtp_timeout" });
});

test.each([
  [{ to: "a@example.com, b@example.com" }, true, "recipient_invalid"],
  [{ to: "kim@example.com\r\nRCPT TO:<eve@example.com>" }, true, "recipient_invalid"],
  [{ from: "Shop" }, false, "sender_invalid"],
])("%o never reaches the server", async (change, permanent, code) => {
  const server = await mailServer();
  expect(await transport(server.url).send({ ...message, ...change })).toMatchObject({ permanent, code });
  expect(server.received).toEqual([]);
});

test("line breaks in a subject or a sender's name add no header", async () => {
  const server = await mailServer();
  const subject = "Hi\r\nBcc: eve@example.com\r\n\r\nbody";
  const from = "Shop\r\nBcc: eve@example.com <hello@example.com>";
  await transport(server.url).send({ ...message, subject, from });
  expect(server.received[0]?.headers).not.toHaveProperty("bcc");
  expect(server.received.map(({ to }) => to)).toEqual(["kim@example.com"]);
});

test.each(["", "mail.example.com:587", "http://user:s3cret@example.com", "smtp://", "smtp:"])(
  "the address %j is refused with a code and without its password",
  (url) => {
    let thrown: unknown;
    try {
      createMailTransport(url);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "smtp_url_invalid" });
    expect(String(thrown)).not.toContain("s3cret");
  },
);

async function rawServer(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined); // the client hung up
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closes.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return portOf(server);
}
