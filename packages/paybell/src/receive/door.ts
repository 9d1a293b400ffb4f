import type { Incoming } from "@paybell/protocols/protocol";
import type { Context } from "../context.ts";
import { protocolNamed } from "../domain/protocols.ts";
import { raiseAlarms } from "../fulfil/alarms.ts";
import type { Recorder } from "../record/record.ts";
import type { Refuser } from "../record/refuse.ts";
import type { StoredNotification } from "../record/stored.ts";
import { ensureSpace } from "../send/retention.ts";
import type { Connections } from "./connections.ts";
import { readBody } from "./read-body.ts";

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
};

export const bodyLimit = 256 * 1024;

/** The door: raw bytes and headers in, the protocol's own answer out. */
export function createDoor({ context, connections, recorder, refuser, handOver }: Parts): Door {
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
    const answer = (outcome: Parameters<typeof protocol.answer>[0]) => {
      const { status, headers, body: text } = protocol.answer(outcome);
      return new Response(text, { status, headers });
    };
    const incoming: Incoming = { method: request.method, url: request.url, headers: request.headers, body };
    const active = connection.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > receivedAt);
    const verdict = await protocol.verify(
      incoming,
      active.map(({ secret }) => secret),
      receivedAt,
    );
    const headers = headersAsKept(request.headers);
    const { accountId, id: connectionId, providerAccount } = connection;

    try {
      if (!verdict.ok) {
        const { code, sentence } = verdict;
        const lately = await refuser.refuse({
          accountId,
          connectionId,
          receivedAt,
          reason: code,
          sentence,
          headers,
          body,
        });
        if (lately === repeatedRefusals) {
          await ensureSpace(context.pool, receivedAt);
          await raiseAlarms(context, context.pool, [
            {
              accountId,
              mode: connection.mode,
              kind: "signatures_wrong",
              key: connectionId,
              data: { connection: connection.name, sentence },
              at: receivedAt,
            },
          ]);
        }
        return answer("refused");
      }
      const parsed = protocol.parse(body);
      const reading = parsed.ok ? parsed.reading : undefined;
      const mode = connection.mode === "test" ? "test" : (reading?.mode ?? connection.mode);
      const { id, fresh } = await recorder.record({
        accountId,
        connectionId,
        protocol: protocol.name,
        providerAccount,
        mode,
        receivedAt,
        event: reading?.event ?? "",
        orderId: reading?.orderId ?? null,
        waits: parsed.ok ? null : parsed.code,
        headers,
        body,
      });
      if (!parsed.ok && fresh) {
        await ensureSpace(context.pool, receivedAt);
        await raiseAlarms(context, context.pool, [
          {
            accountId,
            mode,
            kind: "notification_unreadable",
            key: id,
            data: { notification_id: id, connection: connection.name, sentence: parsed.sentence },
            at: receivedAt,
          },
        ]);
      }
      if (reading && fresh)
        handOver({
          accountId,
          id,
          receivedAt,
          protocol: protocol.name,
          providerAccount,
          mode,
          orderId: reading.orderId,
          reading,
        });
      return answer("stored");
    } catch (error) {
      // Not stored means not claimed: the provider tries again.
      complain(error, "a notification could not be stored and was not claimed");
      return answer("unavailable");
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

/** In one minute on one connection. */
const repeatedRefusals = 3;

function plain(status: number, text: string): Response {
  return new Response(text, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}

function headersAsKept(headers: Headers): string {
  return JSON.stringify([...headers].filter(([name]) => name !== "authorization" && name !== "cookie"));
}
