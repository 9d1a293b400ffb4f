import type { Server } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterEach } from "vitest";

export type ReceivedMail = {
  readonly to: string;
  readonly from: string;
  /** lower-case names, unfolded values */
  readonly headers: { readonly [name: string]: string };
  /** decoded, by content type */
  readonly parts: { readonly [type: string]: string };
  readonly raw: string;
};

export type MailServer = {
  readonly url: string;
  readonly port: number;
  readonly received: ReceivedMail[];
  /** answers to RCPT TO in order, then everything is accepted; `OK` accepts */
  readonly answers: string[];
  readonly stop: () => Promise<void>;
};

/** A mail server on loopback that keeps what it is given; stopped after the test. */
export async function mailServer(options: SMTPServerOptions & { port?: number } = {}): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  const answers: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    disableReverseLookup: true,
    closeTimeout: 10,
    onRcptTo(_address, _session, done) {
      const answer = answers.shift() ?? "OK";
      done(answer === "OK" ? null : refusal(answer));
    },
    onData(stream, session, done) {
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? "" : mailFrom.address;
        received.push({ from, to: rcptTo.map(({ address }) => address).join(), ...read(Buffer.concat(pieces)) });
        done();
      });
    },
    ...options,
  });
  server.on("error", () => undefined); // a client that gave up
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const port = portOf(server.server);
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= new Promise<void>((resolve) => server.close(() => resolve())));
  stops.push(stop);
  return { url: `smtp://127.0.0.1:${port}`, port, received, answers, stop };
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server does not listen on a port.");
  return address.port;
}

/** `550 5.1.1 no such mailbox` as the server says it. */
export function refusal(answer: string): Error {
  return Object.assign(new Error(answer.slice(4)), { responseCode: Number(answer.slice(0, 3)) });
}

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

function read(bytes: Buffer): Pick<ReceivedMail, "headers" | "parts" | "raw"> {
  const raw = bytes.toString("utf8");
  const { headers, body } = split(raw);
  const boundary = /boundary="([^"]+)"/.exec(headers["content-type"] ?? "")?.[1];
  const parts: Record<string, string> = {};
  for (const piece of boundary === undefined ? [] : body.split(`--${boundary}`).slice(1, -1)) {
    const part = split(piece.replace(/^\r\n/, ""));
    const type = part.headers["content-type"]?.split(";")[0] ?? "";
    parts[type] = decode(part.body, part.headers["content-transfer-encoding"] ?? "");
  }
  return { headers, parts, raw };
}

function split(text: string): { headers: Record<string, string>; body: string } {
  const end = text.indexOf("\r\n\r\n");
  const lines = text
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines)
    headers[line.slice(0, line.indexOf(":")).toLowerCase()] = line.slice(line.indexOf(":") + 1).trim();
  return { headers, body: text.slice(end + 4) };
}

function decode(body: string, encoding: string): string {
  if (encoding === "base64") return Buffer.from(body, "base64").toString("utf8");
  if (encoding !== "quoted-printable") return body;
  const bytes = body
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** `=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=` read. */
export function decodeHeader(text: string): string {
  return text
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?UTF-8\?([QB])\?(.*?)\?=/gi, (_, how: string, data: string) =>
      how.toUpperCase() === "B"
        ? Buffer.from(data, "base64").toString("utf8")
        : decode(data.replace(/_/g, " "), "quoted-printable"),
    );
}
