import type { Answered, Format } from "@paybell/protocols/format";
import { formats } from "@paybell/protocols/formats";
import { z } from "zod";
import { oneLine } from "../fulfil/mails/clean.ts";
import type { StreamMessage } from "./event-stream.ts";
import { failure } from "./failure.ts";
import type { Ready } from "./receiver.ts";

/** A message of the feed made into what a program is sent. */
export type Shaped = {
  /** what it is about, for a person: an order, a customer */
  readonly subject: string;
  readonly ready: Ready | { readonly fault: { readonly code: string; readonly sentence: string } };
};

export type Shape = {
  shape(message: StreamMessage, now: number): Promise<Shaped>;
  /** whether this answer says that it arrived */
  accepts(answer: Answered): boolean;
};

/** The server sends events, and this machine writes and signs them. */
export function signedHere(format: Format, secret: string): Shape {
  return {
    accepts: (answer) => format.accepts(answer),
    async shape({ data }, now) {
      const { id, type, at, mode, data: told } = read(eventSchema, data);
      const subject = subjectOf(told);
      const event = { id, type, at: Date.parse(at), test: mode === "test", data: JSON.stringify(told) };
      const body = format.render(event, {});
      if (!body) {
        const sentence = `${format.name} has no words for it, so nothing is sent.`;
        return { subject, ready: { fault: { code: "not_expressible", sentence } } };
      }
      const signed = await format.sign(body, { id, at: now, secrets: [secret], number: 1 });
      return { subject, ready: { ...signed, headers: { "user-agent": "Paybell", ...signed.headers } } };
    },
  };
}

/** The server sends what a connection would be sent. */
export function signedByServer(format: string): Shape {
  const known = formats.get(format);
  return {
    accepts: (answer) => known?.accepts(answer) ?? (answer.status >= 200 && answer.status <= 299),
    async shape({ data }) {
      const ready = read(rendered, data);
      return { subject: "body" in ready ? subjectOf(contentOf(ready.body)) : "", ready };
    },
  };
}

const eventSchema = z.object({
  id: z.string(),
  type: z.string(),
  mode: z.string(),
  at: z.string(),
  data: z.record(z.string(), z.unknown()),
});

const rendered = z.union([
  z.object({ headers: z.record(z.string(), z.string()), body: z.string() }),
  z.object({ fault: z.object({ code: z.string(), sentence: z.string() }) }),
]);

function read<T>(schema: z.ZodType<T>, text: string): T {
  const result = schema.safeParse(json(text));
  if (result.success) return result.data;
  throw failure("answer_unexpected", "The server sent a message that cannot be read: is it of another release?");
}

/** The fields of a body: JSON, with Standard Webhooks' one inside `data`, or a form. */
function contentOf(body: string): Record<string, unknown> {
  const parsed = z.record(z.string(), z.unknown()).safeParse(json(body));
  if (!parsed.success) return Object.fromEntries(new URLSearchParams(body));
  const inside = z.record(z.string(), z.unknown()).safeParse(parsed.data["data"]);
  return inside.success ? inside.data : parsed.data;
}

/** An order, or a feature and its customer. Buyers' texts may hold what moves a terminal's cursor. */
function subjectOf(data: Readonly<Record<string, unknown>>): string {
  const text = (name: string) => {
    const value = data[name];
    return typeof value === "string" ? oneLine(value, 60) : "";
  };
  return text("order_id") || `${text("feature")} ${text("email")}`.trim();
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
