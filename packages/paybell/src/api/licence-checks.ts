import type { MiddlewareHandler } from "hono";
import { describeRoute, type DescribeRouteOptions } from "hono-openapi";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { z } from "zod";
import {
  activate,
  type Activation,
  deactivate,
  inspectLicence,
  type Licence,
  type LicenceAsked,
  type NoLicence,
} from "../fulfil/activations.ts";
import { licenceHash } from "../fulfil/licence-rows.ts";
import type { House } from "../house.ts";
import { type ApiEnv, authenticate } from "./auth.ts";
import { type Api, readBody, schemaOf, valid } from "./endpoint.ts";
import { iso, isoInstant } from "./instant.ts";
import { consume, tooMany } from "./limit.ts";
import { problem } from "./problem.ts";

const keySchema = z.object({
  /** case, spaces and hyphens do not matter */
  key: z.string().trim().min(1).max(500),
  /** ours: keys of other products are then unknown */
  product_id: z.uuid().optional(),
});
const machine = z.string().trim().min(1).max(200);
const activateBody = keySchema.extend({ machine, name: z.string().trim().min(1).max(200).optional() });
const validateBody = keySchema.extend({ machine: machine.optional() });
const deactivateBody = keySchema.extend({ machine });

export const activationSchema = z.object({
  id: z.string(),
  machine: z.string(),
  name: z.string().nullable(),
  activated_at: isoInstant,
});

const standingSchema = z.object({
  valid: z.boolean(),
  state: z.enum(["active", "suspended", "ended", "not_activated", "unknown"]),
  mode: z.enum(["live", "test"]).optional(),
  product_id: z.string().optional(),
  /** null as limit: none */
  activations: z.object({ used: z.int(), limit: z.int().nullable(), excess: z.int() }).optional(),
});
const activatedSchema = standingSchema.extend({ activation: activationSchema });
const deactivatedSchema = standingSchema.extend({ deactivated: z.boolean() });

/**
 * Asked by the seller's software on buyers' machines: with an API key, bound to its account, or without any, as
 * the licence key itself is the bearer's. The answers hold nothing of the buyer. Mount before `authenticate`.
 */
export function licenceChecks({ app, house }: Api): void {
  const guard = createGuard(house);
  const before = [optionallyAuthenticated(house)] as const;

  app.post(
    "/v1/licences/activate",
    describeRoute(described("Activate a licence on a machine", activateBody, activatedSchema)),
    ...before,
    async (c) => {
      const body = valid(activateBody, await readBody(c), "body");
      const asked = await guard.pass(c.get("who"), body);
      await house.caughtUp();
      const done = await activate(house, { ...asked, machine: body.machine, name: body.name });
      if (!("refused" in done)) {
        guard.known(asked.key);
        return c.json({ ...standing(done.licence), activation: shownActivation(done.activation) });
      }
      switch (done.refused) {
        case "unknown":
        case "ambiguous":
          throw await guard.missing(asked, done.refused);
        case "suspended":
          throw problem(403, "licence_suspended", "This licence is suspended.");
        case "ended":
          throw problem(403, "licence_ended", "This licence has ended.");
        case "limit": {
          const { activations, limit } = done.licence;
          const detail = `This licence is in use on ${activations.length} of ${limit} machines. Deactivate one first.`;
          throw problem(409, "activation_limit", detail);
        }
        default:
          throw new Error(done satisfies never);
      }
    },
  );

  app.post(
    "/v1/licences/validate",
    describeRoute(described("Is a licence valid", validateBody, standingSchema)),
    ...before,
    async (c) => {
      const body = valid(validateBody, await readBody(c), "body");
      const asked = await guard.pass(c.get("who"), body);
      await house.caughtUp();
      const licence = await inspectLicence(house, asked);
      if (licence === "ambiguous") throw await guard.missing(asked, licence);
      if (licence === "unknown") {
        await guard.count(asked);
        return c.json({ valid: false, state: licence });
      }
      guard.known(asked.key);
      const answer = standing(licence);
      const there = body.machine === undefined || licence.activations.some((one) => one.machine === body.machine);
      return c.json(answer.valid && !there ? { ...answer, valid: false, state: "not_activated" } : answer);
    },
  );

  app.post(
    "/v1/licences/deactivate",
    describeRoute(described("Free a machine's place", deactivateBody, deactivatedSchema)),
    ...before,
    async (c) => {
      const body = valid(deactivateBody, await readBody(c), "body");
      const asked = await guard.pass(c.get("who"), body);
      const done = await deactivate(house, { ...asked, machine: body.machine });
      if (typeof done === "string") throw await guard.missing(asked, done);
      guard.known(asked.key);
      return c.json({ ...standing(done.licence), deactivated: done.deactivated });
    },
  );
}

export function shownActivation(activation: Activation): z.input<typeof activationSchema> {
  const { id, machine: at, name, activated_at } = activation;
  return { id, machine: at, name, activated_at: iso(activated_at) };
}

function standing({ state, mode, productId, activations, limit, excess }: Licence): z.input<typeof standingSchema> {
  return {
    valid: state === "active",
    state,
    mode,
    product_id: productId,
    activations: { used: activations.length, limit, excess },
  };
}

function optionallyAuthenticated(house: House): MiddlewareHandler<ApiEnv> {
  const check = authenticate(house);
  return (c, next) => (c.req.header("authorization") === undefined ? next() : check(c, next));
}

type Who = ApiEnv["Variables"]["who"];

/**
 * Without an API key: so many questions for each licence key, and so many wrong keys in all. When those are used
 * up, keys this node has seen to be good still pass; one it has not seen yet waits out the minute.
 */
function createGuard(house: House) {
  const each = new RateLimiterMemory({ points: 60, duration: 60 });
  const wrong = new RateLimiterMemory({ points: 600, duration: 60 });
  const good = new Set<string>();
  const hashOf = (key: string) => licenceHash(house, key).toString("base64");

  return {
    async pass(who: Who | undefined, body: z.output<typeof keySchema>): Promise<LicenceAsked> {
      const asked = { key: body.key, productId: body.product_id };
      if (who) return { ...asked, accountId: who.accountId, modes: who.modes };
      const hash = hashOf(body.key);
      const left = await wrong.get(wrongKey);
      if (left && left.remainingPoints <= 0 && !good.has(hash)) throw tooMany(left);
      await consume(each, hash);
      return asked;
    },
    known(key: string): void {
      if (good.size >= 50_000) good.clear();
      good.add(hashOf(key));
    },
    async count(asked: LicenceAsked): Promise<void> {
      if (asked.accountId === undefined) await consume(wrong, wrongKey);
    },
    async missing(asked: LicenceAsked, why: NoLicence): Promise<Error> {
      await this.count(asked);
      return why === "unknown"
        ? problem(404, "licence_unknown", "There is no such licence.")
        : problem(409, "licence_ambiguous", "Say which product is meant: send product_id.");
    },
  };
}

const wrongKey = "wrong";

function described(summary: string, body: z.ZodType, answer: z.ZodType): DescribeRouteOptions {
  return {
    summary,
    description:
      "With an API key, or without any: the licence key is the bearer's. A test order's key answers with mode test.",
    tags: ["licences"],
    security: [{ key: [] }, {}],
    requestBody: { content: { "application/json": { schema: schemaOf(body, "input") } } },
    responses: {
      200: { description: summary, content: { "application/json": { schema: schemaOf(answer, "output") } } },
      default: { $ref: "#/components/responses/problem" },
    },
  };
}
