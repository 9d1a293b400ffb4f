import { RateLimiterMemory } from "rate-limiter-flexible";
import { z } from "zod";
import { normaliseEmail } from "../domain/email.ts";
import { requestLogin } from "../fulfil/login-requests.ts";
import { exchangeCode, exchangeTicket, type Login } from "../fulfil/logins.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { consume } from "./limit.ts";
import { problem } from "./problem.ts";

const email = z.string().max(254).transform(normaliseEmail).pipe(z.email());

const loginSchema = z.object({
  customer: z.object({
    id: z.string(),
    /** whoever logged in has proved to own it */
    email: z.string(),
    /** the vendor's own name for this customer */
    reference: z.string().nullable(),
  }),
  /** the provider's */
  order_id: z.string(),
  /** ours */
  product_id: z.string().nullable(),
  mode: z.enum(["live", "test"]),
});

/** What the seller's app does with a login: it takes the ticket, or the code a buyer typed, for the customer. */
export function logins(api: Api): void {
  const { house } = api;
  const tag = "logins";
  const tries = new RateLimiterMemory({ points: 20, duration: 600 });

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/logins",
      tag,
      summary: "Exchange a ticket, or address and code, for the customer",
      description: "Each works once. A ticket lives five minutes; a code is dead after five wrong tries.",
      scope: "write",
      body: z.union([
        z.object({ ticket: z.string().min(1).max(200) }),
        z.object({ email, code: z.string().trim().min(1).max(40) }),
      ]),
      answer: loginSchema,
    },
    async ({ who, body }) => {
      const of = { accountId: who.accountId, mode: who.mode };
      if ("ticket" in body) {
        const login = await exchangeTicket(house, { ...of, ticket: body.ticket });
        if (login === "invalid")
          throw problem(401, "ticket_invalid", "This ticket does not exist, was used, or is older than five minutes.");
        if (login === "other_mode")
          throw problem(
            403,
            "mode_forbidden",
            who.mode === "live"
              ? "This ticket belongs to a test order: take it with a test key, or with ?mode=test."
              : "This ticket belongs to a live order: take it with a live key.",
          );
        return shown(login);
      }
      await consume(tries, `${who.accountId} ${who.mode} ${body.email}`);
      const login = await exchangeCode(house, { ...of, ...body });
      if (login === "invalid")
        throw problem(401, "code_invalid", "This code does not fit this address, was used, or has expired.");
      if (login === "ended") throw problem(403, "access_ended", "The access of this customer has ended.");
      return shown(login);
    },
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/logins/request",
      tag,
      summary: "Send a new login link",
      description: "To that address only, and only if it opens something. The answer does not tell whether it does.",
      scope: "write",
      status: 202,
      body: z.object({
        email,
        /** ours */
        product_id: z.uuid().optional(),
      }),
      answer: z.object({ status: z.literal("accepted") }),
    },
    async ({ who, body }) => {
      await requestLogin(house, {
        accountId: who.accountId,
        mode: who.mode,
        email: body.email,
        productId: body.product_id,
      });
      return { status: "accepted" as const };
    },
  );
}

function shown({ customer, orderId, productId, mode }: Login): z.input<typeof loginSchema> {
  return { customer, order_id: orderId, product_id: productId, mode };
}
