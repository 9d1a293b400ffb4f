import type { Enquiry, Incoming, Known, Protocol, Reply, Verdict } from "@paybell/protocols/protocol";
import type { Context } from "../context.ts";
import { isUnavailable } from "../db/pool.ts";
import { protocolNamed } from "../domain/protocols.ts";
import type { Refuser } from "../record/refuse.ts";
import type { StoredNotification } from "../record/stored.ts";
import {
  checkAgain,
  checkLater,
  forget,
  noteProven,
  takeUnverified,
  type Unverified,
} from "../record/unverified-rows.ts";
import type { Network } from "../send/http.ts";
import { createLine } from "../send/line.ts";
import { activeSecrets, type Connections, type InConnection } from "./connections.ts";
import { setAsideRefused, tellUnreadable } from "./set-aside.ts";

export type Enquiries = {
  /** something new is to be asked */
  ring(): void;
  start(): void;
  /** asks about those of them that are not proven yet, now */
  again(accountId: string, ids: readonly string[]): Promise<void>;
  /** asks all that is due now; returns when each has been answered or put off */
  work(): Promise<void>;
  stop(): Promise<void>;
};

type Parts = {
  readonly context: Context;
  readonly network: Network;
  readonly connections: Connections;
  readonly refuser: Refuser;
  readonly handOver: (stored: StoredNotification) => void;
};

/**
 * Asks providers about what only they can prove: the same bytes posted back, an id fetched, a certificate. What is kept
 * and not yet verified changes nothing until the answer is there, however long that takes.
 */
export function createEnquiries({ context, network, connections, refuser, handOver }: Parts): Enquiries {
  const { pool, clock } = context;
  let started = false;
  let stopped = false;
  let working: Promise<void> | undefined;

  return {
    ring() {
      if (started) void run().catch(trouble);
    },
    start() {
      started = true;
    },
    async again(accountId, ids) {
      if ((await checkAgain(pool, accountId, ids, clock())) > 0) await this.work();
    },
    async work() {
      await working?.catch(() => undefined); // who began it says what was wrong
      await run();
    },
    async stop() {
      stopped = true;
      await working?.catch(() => undefined);
    },
  };

  function run(): Promise<void> {
    return (working ??= drain().finally(() => (working = undefined)));
  }

  async function drain(): Promise<void> {
    for (;;) {
      const batch = stopped ? [] : await takeUnverified(pool, clock(), atOnce);
      if (batch.length === 0) return;
      await Promise.all(batch.map((one) => prove(one)));
    }
  }

  async function prove(one: Unverified): Promise<void> {
    const connection = await connections.read(one.accountId, one.connectionId);
    if (!connection) return checkLater(pool, one, "Its connection is switched off or was removed.", null);
    const protocol = protocolNamed(one.protocol);
    const { verdict, replies } = await inquire(protocol, one, connection);
    if (verdict.ok) return accept(protocol, one, connection, replies);
    const { code, sentence } = verdict;
    if (code !== "undecided") {
      await forget(pool, one);
      const { receivedAt, headers, body } = one;
      return setAsideRefused(context, refuser, connection, { receivedAt, reason: code, sentence, headers, body });
    }
    const inMs = pauses[one.checks];
    await checkLater(pool, one, sentence, inMs === undefined ? null : clock() + inMs);
  }

  /** One question after the other, until there is a verdict or no helpful answer. */
  async function inquire(
    protocol: Protocol,
    one: Unverified,
    connection: InConnection,
  ): Promise<{ verdict: Verdict; replies: readonly Reply[] }> {
    const incoming: Incoming = {
      method: "POST",
      url: `${context.publicUrl}/in/`,
      headers: new Headers(JSON.parse(one.headers) as [string, string][]),
      body: new Uint8Array(one.body),
    };
    // By the instant it came: secrets may have been changed since, and signatures grow old.
    const secrets = activeSecrets(connection, one.receivedAt);
    let replies: Reply[] = [];
    let kept: Reply[] = [];
    for (let asked = 0; ; asked++) {
      const known: Known = { options: connection.options, mode: connection.mode, replies };
      const verdict = await protocol.verify(incoming, secrets, one.receivedAt, known);
      if (verdict.ok) return { verdict, replies: kept };
      if (verdict.code !== "undecided" || verdict.again || asked === mostQuestions) return { verdict, replies: [] };
      const reply = await ask(network, verdict.ask);
      if ("sentence" in reply) return { verdict: { ...verdict, sentence: reply.sentence }, replies: [] };
      replies = [...replies, reply];
      // A token is no part of what the notification says; its place stays, so that the others keep theirs.
      kept = [...kept, verdict.ask.secret ? { status: reply.status, body: new Uint8Array(0) } : reply];
    }
  }

  async function accept(
    protocol: Protocol,
    one: Unverified,
    connection: InConnection,
    replies: readonly Reply[],
  ): Promise<void> {
    const { accountId, id, receivedAt, providerAccount } = one;
    const parsed = protocol.parse(new Uint8Array(one.body), {
      options: connection.options,
      mode: connection.mode,
      replies,
    });
    const reading = parsed.ok ? parsed.reading : undefined;
    const mode = connection.mode === "test" ? "test" : (reading?.mode ?? connection.mode);
    const proven = await noteProven(pool, one, {
      mode,
      event: reading?.event ?? "",
      orderId: reading?.orderId ?? null,
      state: parsed.ok ? "stored" : "waiting",
      reason: parsed.ok ? null : parsed.code,
      replies,
    });
    if (!proven) return;
    if (!parsed.ok) return tellUnreadable(context, connection, { id, mode, at: receivedAt }, parsed.sentence);
    const named = parsed.reading.orderId === undefined ? {} : { orderId: parsed.reading.orderId };
    handOver({
      accountId,
      id,
      receivedAt,
      protocol: protocol.name,
      providerAccount,
      mode,
      ...named,
      reading: parsed.reading,
    });
  }

  function trouble(error: unknown): void {
    const { code } = error as { code?: string };
    if (isUnavailable(error)) context.log.warn({ code }, "what is to be asked of providers waits for the store");
    else context.log.error({ code }, "asking a provider failed; it is tried again");
  }
}

/** @returns a sentence where no answer came */
async function ask(network: Network, { method, url, headers, body }: Enquiry): Promise<Reply | { sentence: string }> {
  const line = createLine(network);
  try {
    const result = await line.call({
      url: new URL(url),
      method,
      headers,
      body: body ?? null,
      deadlineMs: 20_000,
      readWhole: mostBytes,
    });
    if ("failure" in result) return { sentence: `The provider could not be asked: ${result.failure.sentence}` };
    return { status: result.answer.status, body: result.answer.bytes ?? new Uint8Array(0) };
  } finally {
    await line.close();
  }
}

const atOnce = 10;
const mostQuestions = 5;
const mostBytes = 1024 * 1024;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
/** Longer and longer, for about four days: as long as providers themselves go on trying. */
const pauses = [
  5 * second,
  30 * second,
  2 * minute,
  10 * minute,
  30 * minute,
  hour,
  2 * hour,
  ...Array.from({ length: 16 }, () => 6 * hour),
];
