import { z } from "zod";
import type { Published, Publishing } from "../send/publish.ts";
import type { Who } from "./auth.ts";
import { type Api, endpoint, valid } from "./endpoint.ts";
import { idempotencyKey } from "./idempotency.ts";
import { isoInstant } from "./instant.ts";
import { type GivenPayment, givenPayment, manyPayments, onePayment, publishSchema } from "./payment-schema.ts";
import { problem } from "./problem.ts";

const publishedSchema = z.object({
  /** the event's: the same in every delivery, and in GET /v1/events */
  id: z.string(),
  key: z.string().nullable(),
  type: z.string(),
  at: isoInstant,
  /** it was published before, under the same key */
  repeated: z.boolean(),
});

const refusedSchema = z.object({
  key: z.string().nullable(),
  type: z.string(),
  error: z.object({ code: z.string(), detail: z.string() }),
});

/**
 * The sending end. Added before the Idempotency-Key of other POSTs: the keys of payments are written in the same
 * commit as their events, so that there is no moment at which one is durable without the other.
 */
export function payments(api: Api): void {
  endpoint(
    api,
    {
      method: "post",
      path: "/v1/payments",
      tag: "payments",
      summary: "Publish payment events, one or up to 1,000",
      description:
        "Answered when the events and their deliveries to every connected address are durable. A repeat under the same " +
        "key is answered with the first result, for at least 30 days; other content under a used key is refused. The " +
        "key of a payment is its `key`, else the header Idempotency-Key (in a batch with its position). Of a batch with " +
        "a faulty payment nothing is published.",
      scope: "write",
      status: 201,
      ahead: true,
      body: publishSchema,
      bodyChecked: "later",
      answer: z.union([publishedSchema, z.object({ data: z.array(z.union([publishedSchema, refusedSchema])) })]),
    },
    async ({ who, body, c }) => {
      const header = idempotencyKey(c.req.header("idempotency-key"));
      if (!isBatch(body)) {
        const given = givenPayment(valid(onePayment, body, "body"));
        const payment = { ...given, key: given.key ?? header };
        const [published] = await publish(api, who, [payment]);
        if (!published!.ok) throw problem(422, published!.code, reused);
        return c.json(shown(payment, published!), 201, published!.repeated ? { "idempotency-replayed": "true" } : {});
      }
      const batch = valid(manyPayments, body, "body").payments.map((parsed, index) => {
        const given = givenPayment(parsed);
        // No key of one's own holds a blank.
        return { ...given, key: given.key ?? (header && `${header} ${index}`) };
      });
      const published = await publish(api, who, batch);
      return { data: batch.map((payment, index) => shown(payment, published[index]!)) };
    },
  );
}

const reused = "Another payment was published under this key.";

function isBatch(body: unknown): boolean {
  return typeof body === "object" && body !== null && "payments" in body;
}

function publish({ house }: Api, who: Who, payments: readonly GivenPayment[]): Promise<Published[]> {
  const test = who.mode === "test";
  const misfits = payments.flatMap(({ data }, index) => (data.test === undefined || data.test === test ? [] : [index]));
  if (misfits.length > 0) {
    const message = test ? "must not be false: a test key publishes tests" : "needs a test key, or ?mode=test";
    const errors = misfits
      .slice(0, 50)
      .map((index) => ({ path: payments.length > 1 ? `payments.${index}.test` : "test", message }));
    throw problem(422, "mode_mismatch", `test ${message}.`, { errors });
  }
  return house.publisher.publish(
    payments.map(
      ({ type, key, data }): Publishing => ({
        accountId: who.accountId,
        mode: who.mode,
        type,
        key,
        at: Date.parse(data.happened_at),
        orderKey: data.order_id,
        data: { ...data, test },
      }),
    ),
  );
}

function shown({ key, type, data }: GivenPayment, published: Published) {
  if (!published.ok) return { key, type, error: { code: published.code, detail: reused } };
  return { id: published.eventId, key, type, at: data.happened_at, repeated: published.repeated };
}
