import type { Format } from "@paybell/protocols/format";
import { formats } from "@paybell/protocols/formats";
import { addressDefaults, sealedAddress, sealedAddressFor } from "../domain/address.ts";
import type { Context } from "../context.ts";
import type { Transport } from "./lanes.ts";
import { type CallResult, createLine, type Line } from "./line.ts";
import type { LaneRow } from "./lane-rows.ts";
import type { Nets } from "./nets.ts";
import type { Carrier, Outcome } from "./outcome.ts";
import type { Resolve } from "./resolve.ts";
import type { Schedule } from "./schedule.ts";
import { write } from "./write.ts";

/** How this installation reaches others. */
export type Network = {
  readonly nets: Nets;
  readonly resolve?: Resolve;
  /** `http://host:port` */
  readonly proxy?: string;
};

/** Calls under way at once on this node. */
const capacity = 400;

export function httpTransport(context: Pick<Context, "clock" | "seal" | "log">, network: Network): Transport {
  return {
    capacity,
    open(row) {
      const options = row.address?.options ?? {};
      const format = formats.get(row.address?.format ?? "");
      return {
        carrier: openAddress(context, network, row),
        pace: {
          schedule: options.schedule ?? (format?.schedule as Schedule | undefined) ?? "standard-webhooks",
          concurrency: options.concurrency ?? addressDefaults.concurrency,
          rate: options.rate,
        },
      };
    },
  };
}

/** Brings events to one address, over as many kept lines as it has calls at once. */
export function openAddress(
  { clock, seal, log }: Pick<Context, "clock" | "seal" | "log">,
  network: Network,
  { id, address }: Pick<LaneRow, "id" | "address">,
): Carrier {
  const format = formats.get(address?.format ?? "");
  const idle: Line[] = [];
  let closed = false;
  let target: Target | undefined;
  const options = address?.options ?? {};
  const deadlineMs = (options.timeout_seconds ?? addressDefaults.timeout_seconds) * 1000;

  return {
    async deliver(duty) {
      const at = clock();
      try {
        target ??= opened();
      } catch {
        // Another master key, most likely: put right, it can still go.
        log.error({ connectionId: id, code: "content_unreadable" }, "An address could not be opened.");
        return faulty(at, "content_unreadable", "The address was sealed under another master key.");
      }
      if (!format || duty.what !== "event") return untried("failed", "format_unknown: There is no such format.");
      const secrets = target.secrets
        .filter((one) => one.expiresAt === null || one.expiresAt > at)
        .map((one) => one.secret);
      const written = await write(format, options, target.headers, secrets, duty.event, {
        at,
        number: duty.attempts + 1,
      });
      if (!written) return untried("dropped", "not_expressible");
      if ("fault" in written) {
        const { code, sentence } = written.fault;
        log.error({ deliveryId: duty.id, code }, "An event could not be written in its format.");
        return faulty(at, code, sentence);
      }
      const line = idle.pop() ?? createLine(target.line);
      const result = await line.call({
        url: target.url,
        headers: written.headers,
        body: written.body,
        deadlineMs,
      });
      if (closed) void line.close();
      else idle.push(line);
      return outcomeOf(result, format, at, clock());
    },
    close() {
      closed = true;
      for (const line of idle.splice(0)) void line.close();
    },
  };

  function opened(): Target {
    const { url, headers, tls } = sealedAddress.parse(JSON.parse(seal.open(address!.sealed, sealedAddressFor(id))));
    return {
      url: new URL(url),
      headers,
      line: { ...network, ...(tls && { tls }) },
      secrets: address!.secrets.map((one) => ({
        secret: seal.open(one.sealed, `secret:${one.id}`),
        expiresAt: one.expiresAt,
      })),
    };
  }
}

type Target = {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly line: Parameters<typeof createLine>[0];
  readonly secrets: readonly { readonly secret: string; readonly expiresAt: number | null }[];
};

/** Nobody could be called, for a reason the operator can put right. */
function faulty(at: number, code: string, sentence: string): Outcome {
  const times = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, totalMs: 0 };
  const attempt = { at, ...times, status: null, code, sentence, answer: null };
  return { state: "retry", reason: `${code}: ${sentence}`, address: "unknown", attempt };
}

function untried(state: "failed" | "dropped", reason: string): Outcome {
  return { state, reason, address: "unknown" };
}

/** Source: Standard Webhooks 1.0.0, "Deliverability" */
function outcomeOf({ times, ...result }: CallResult, format: Format, at: number, now: number): Outcome {
  const base = { at, ...times };
  if ("failure" in result) {
    const { code, sentence } = result.failure;
    return {
      state: "retry",
      reason: `${code}: ${sentence}`,
      address: ours.has(code) ? "unknown" : "bad",
      attempt: { ...base, status: null, code, sentence, answer: null },
    };
  }
  const { status, headers, body } = result.answer;
  if (format.accepts({ status, body }))
    return { state: "sent", address: "good", attempt: { ...base, status, code: null, sentence: null, answer: body } };
  const [code, sentence] = refusal(status);
  const attempt = { ...base, status, code, sentence, answer: body };
  if (status === 410) return { state: "held", reason: `${code}: ${sentence}`, address: "gone", attempt };
  const retryAfterMs = retryAfter(headers.retryAfter, now);
  return {
    state: "retry",
    reason: `${code}: ${sentence}`,
    address: "bad",
    attempt,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** Failures the address has no part in. */
const ours: ReadonlySet<string> = new Set(["line_closed", "header_invalid", "url_invalid"]);

function refusal(status: number): readonly [code: string, sentence: string] {
  if (status === 410) return ["gone", "The address answered 410: it wants nothing any more."];
  if (status === 429) return ["too_many", "The address answered 429: it wants to be called less often."];
  if (status >= 300 && status < 400)
    return ["redirected", `The address answered ${status}: redirects are not followed. Enter the address it leads to.`];
  if (status >= 200 && status < 300)
    return ["answer_unexpected", `The address answered ${status}, but not with the body its format asks for.`];
  return ["refused", `The address answered ${status}.`];
}

/** Seconds or a date. Source: RFC 9110, section 10.2.3 */
function retryAfter(text: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  const given = text.trim();
  if (/^\d+$/.test(given)) return Math.min(Number(given) * 1000, Number.MAX_SAFE_INTEGER);
  const at = httpDate.test(given) ? Date.parse(given) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** Any of its three forms begins with the day of the week. Source: RFC 9110, section 5.6.7 */
const httpDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;
