import { z } from "zod";
import { normaliseEmail } from "../domain/email.ts";
import type { Who } from "./auth.ts";
import { type Api, endpoint } from "./endpoint.ts";
import { mailRows, mailSchema, shownMail } from "./mail-view.ts";
import { page, pageOf, pageQuery } from "./paging.ts";
import { notFound } from "./problem.ts";

const address = z.string().max(254).transform(normaliseEmail).optional();

/** What was sent to whom, when, and the text itself. */
export function mails(api: Api): void {
  const { house } = api;
  endpoint(
    api,
    {
      method: "get",
      path: "/v1/mails",
      tag: "mails",
      summary: "List mails, newest first",
      scope: "read",
      query: pageQuery.extend({
        email: address,
        /** the same as email */
        to: address,
        /** the provider's */
        order_id: z.string().max(200).optional(),
        kind: z.string().max(50).optional(),
        state: z.enum(["due", "sent", "kept", "failed", "bounced", "dropped"]).optional(),
      }),
      answer: pageOf(mailSchema),
    },
    async ({ who, query }) => {
      const found = await mailRows(house, {
        accountId: who.accountId,
        modes: [who.mode],
        ...query,
        email: query.email ?? query.to,
      });
      const { rows, next_cursor } = page(found, query.limit);
      return { data: rows.map((row) => mailFor(who, shownMail(house, row))), next_cursor };
    },
  );

  endpoint(
    api,
    { method: "get", path: "/v1/mails/:id", tag: "mails", summary: "One mail", scope: "read", answer: mailSchema },
    async ({ who, id }) => {
      const [row] = await mailRows(house, { accountId: who.accountId, modes: who.modes, id: id(), limit: 1 });
      if (!row) throw notFound("mail");
      return mailFor(who, shownMail(house, row));
    },
  );
}

/** A text holds login links, codes and keys: who may only read does not get to log in as a buyer. */
function mailFor<M extends { text: string | null; html: string | null }>(who: Who, mail: M): M {
  return who.scope === "read" ? { ...mail, text: null, html: null } : mail;
}
