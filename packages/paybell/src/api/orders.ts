import { z } from "zod";
import { normaliseEmail } from "../domain/email.ts";
import { isId } from "../domain/id.ts";
import type { Who } from "./auth.ts";
import { changeContact, sendAgain } from "./contact.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { orderRows } from "./order-rows.ts";
import { orderSchema, type ShownOrder, shownOrders } from "./order-view.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound, problem } from "./problem.ts";

export function orders(api: Api): void {
  const { house } = api;
  const tag = "orders";

  endpoint(
    api,
    {
      method: "get",
      path: "/v1/orders",
      tag,
      summary: "List orders, newest first",
      scope: "read",
      query: pageQuery.extend({
        /** the provider's */
        order_id: z.string().max(200).optional(),
        email: z.string().max(254).transform(normaliseEmail).optional(),
        customer_id: z.string().max(64).optional(),
        /** the provider's, or ours */
        product_id: z.string().max(200).optional(),
      }),
      answer: pageOf(orderSchema),
    },
    async ({ who, query, now }) => {
      if (query.customer_id !== undefined && !isId(query.customer_id)) return { data: [], next_cursor: null };
      const found = await orderRows(house, { accountId: who.accountId, modes: [who.mode], ...query });
      const { rows, next_cursor } = page(found, query.limit);
      return { data: await shownOrders(house, who.accountId, rows, now), next_cursor };
    },
  );

  endpoint(
    api,
    { method: "get", path: "/v1/orders/:id", tag, summary: "One order", scope: "read", answer: orderSchema },
    ({ who, id }) => one(api, who, id()),
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/orders/:id/contact",
      tag,
      summary: "Correct the buyer's address",
      description:
        "The access data go out again, earlier links are useless. The address on the order record stays as it was.",
      scope: "write",
      body: z.object({ email: z.email().max(254) }),
      answer: orderSchema,
    },
    async ({ who, body, now, id }) => {
      await house.caughtUp();
      await one(api, who, id());
      const done = await changeContact(house, { accountId: who.accountId, orderId: id(), email: body.email, now });
      if (done === "erased") throw erased();
      await house.applyDue();
      return one(api, who, id());
    },
  );

  endpoint(
    api,
    {
      method: "post",
      path: "/v1/orders/:id/resend",
      tag,
      summary: "Send the access data again",
      description: "With new links; earlier ones are useless.",
      scope: "write",
      answer: orderSchema,
    },
    async ({ who, now, id }) => {
      await house.caughtUp();
      await one(api, who, id());
      const done = await sendAgain(house, { accountId: who.accountId, orderId: id(), now });
      if (done === "erased") throw erased();
      if (done === 0) throw problem(409, "nothing_open", "Nothing of this order is open, so there is nothing to send.");
      return one(api, who, id());
    },
  );
}

async function one({ house }: Api, who: Who, id: string): Promise<ShownOrder> {
  const rows = await orderRows(house, { accountId: who.accountId, modes: who.modes, id, limit: 1 });
  const [shown] = await shownOrders(house, who.accountId, rows, house.clock());
  if (!shown) throw notFound("order");
  return shown;
}

function erased() {
  return problem(409, "customer_erased", "The customer of this order was erased.");
}
