import { setTimeout as delay } from "node:timers/promises";
import type { Mode, Reading } from "@paybell/protocols/domain/fact";
import type { AccessData, Incoming } from "@paybell/protocols/protocol";
import type { Context } from "../context.ts";
import { protocolNamed } from "../domain/protocols.ts";
import { readShown } from "../fulfil/shown.ts";
import type { Recorder } from "../record/record.ts";
import type { Refuser } from "../record/refuse.ts";
import type { StoredNotification } from "../record/stored.ts";
import { activeSecrets, type Connections } from "./connections.ts";
import { readBody } from "./read-body.ts";
import { setAsideRefused, tellUnreadable } from "./set-aside.ts";

export type Door = {
  /** `POST /in/{token}`: answers as the protocol wants, after the notification is durable */
  receive(request: Request, token: string): Promise<Response>;
};

type Parts = {
  readonly context: Context;
  readonly connections: Connections;
  readonly recorder: Recorder;
  readonly refuser: Refuser;
  /** carries on with it from memory, after the answer */
  readonly handOver: (stored: StoredNotification) => void;
  /** resolves when what was handed over is applied */
  readonly caughtUp: () => Promise<void>;
  /** something was stored that the provider has to be asked about */
  readonly askProvider: () => void;
};

export const bodyLimit = 256 * 1024;

/** The door: raw bytes and headers in, the protocol's own answer out. */
export function createDoor({ context, connections, recorder, refuser, handOver, caughtUp, askProvider }: Parts): Door {
  let complainedAt = Number.NEGATIVE_INFINITY;
  return { receive };

  async function receive(request: Request, token: string): Promise<Response> {
    const connection = await connections.find(token).catch(unavailable);
    if (connection === "unavailable") return plain(503, "Temporarily unavailable");
    if (!connection) return plain(404, "No connection has this address");
    const body = await readBody(request, bodyLimit);
    if (body === "too_large") return plain(413, "Larger than 256 KiB");
    if (body === "broken") return plain(400, "The body did not arrive in full");

    const protocol = protocolNamed(connection.protocol);
    const receivedAt = Math.floor(context.clock());
    const answer = (...of: Parameters<typeof protocol.answer>) => {
      const { status, headers, body: text } = protocol.answer(...of);
      return new Response(text, { status, headers });
    };
    const incoming: Incoming = { method: request.method, url: request.url, headers: request.headers, body };
    if (protocol.isProbe?.(request.method, body)) return answer("stored");
    const known = { options: connection.options, mode: connection.mode };
    const verdict = await protocol.verify(incoming, activeSecrets(connection, receivedAt), receivedAt, known);
    const headers = headersAsKept(request.headers, protocol.secretHeaders);
    const kept = protocol.withoutSecret?.(body) ?? body;
    const { accountId, id: connectionId, providerAccount } = connection;
    const arrived = {
      accountId,
      connectionId,
      protocol: protocol.name,
      providerAccount,
      receivedAt,
      headers,
      body: kept,
    };

    try {
      if (!verdict.ok && verdict.code === "undecided") {
        const { fresh } = await recorder.record({
          ...arrived,
          mode: connection.mode,
          event: "",
          orderId: null,
          state: "unverified",
          isNews: protocol.repeatsTell === true,
        });
        if (fresh) askProvider();
        return answer("stored");
      }
      if (!verdict.ok) {
        const { code: reason, sentence } = verdict;
        await setAsideRefused(context, refuser, connection, { receivedAt, reason, sentence, headers, body: kept });
        return answer("refused");
      }
      const parsed = protocol.parse(kept, known);
      const reading = parsed.ok ? parsed.reading : undefined;
      const mode = connection.mode === "test" ? "test" : (reading?.mode ?? connection.mode);
      const { id, fresh } = await recorder.record({
        ...arrived,
        mode,
        event: reading?.event ?? "",
        orderId: reading?.orderId ?? null,
        ...(parsed.ok ? { state: "stored" } : { state: "waiting", reason: parsed.code }),
        isNews: protocol.repeatsTell === true,
      });
      if (!parsed.ok && fresh) await tellUnreadable(context, connection, { id, mode, at: receivedAt }, parsed.sentence);
      if (reading && fresh)
        handOver({
          accountId,
          id,
          receivedAt,
          protocol: protocol.name,
          providerAccount,
          mode,
          ...(reading.orderId !== undefined && { orderId: reading.orderId }),
          reading,
        });
      return answer("stored", reading && protocol.showsAccess ? await shownOf({ ...arrived, mode }, reading) : []);
    } catch (error) {
      // Not stored means not claimed: the provider tries again.
      complain(error, "a notification could not be stored and was not claimed");
      return answer("unavailable");
    }
  }

  /** What is to be shown, if it is ready in time; the notification itself is safe either way. */
  async function shownOf(
    of: { accountId: string; protocol: string; providerAccount: string; mode: Mode },
    { orderId, facts }: Reading,
  ): Promise<AccessData[]> {
    const bought = facts.filter(({ kind }) => kind === "payment" || kind === "trial").map(({ productId }) => productId);
    if (orderId === undefined || bought.length === 0) return [];
    const read = async () => {
      await caughtUp();
      return readShown(context, { ...of, orderId }, bought);
    };
    try {
      return (await Promise.race([read(), delay(patienceMs, undefined, { ref: false })])) ?? [];
    } catch (error) {
      complain(error, "what a provider shows to its buyer could not be read; the mail has it too");
      return [];
    }
  }

  function unavailable(error: unknown): "unavailable" {
    complain(error, "the store does not answer; notifications are not claimed");
    return "unavailable";
  }

  /** One line a second says it: an outage must not fill the disk with its complaints. */
  function complain(error: unknown, sentence: string): void {
    const now = performance.now();
    if (now - complainedAt < 1000) return;
    complainedAt = now;
    context.log.error({ code: (error as { code?: string }).code }, sentence);
  }
}

/** The buyer waits for the provider, and the provider for us. */
const patienceMs = 2500;

function plain(status: number, text: string): Response {
  return new Response(text, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}

function headersAsKept(headers: Headers, secret: readonly string[] = []): string {
  const left = ["authorization", "cookie", ...secret];
  return JSON.stringify([...headers].filter(([name]) => !left.includes(name)));
}
