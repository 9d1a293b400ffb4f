import { z } from "zod";
import { type Api, endpoint } from "./endpoint.ts";

/** Recomputes everything from the kept notifications and says what differs; sends nothing. */
export function rebuild(api: Api): void {
  endpoint(
    api,
    {
      method: "post",
      path: "/v1/rebuild",
      tag: "rebuild",
      summary: "Recompute ledger and access from the kept notifications",
      description: "Reports differences: none, on a healthy system. Sends nothing.",
      scope: "owner",
      liveOnly: true,
      answer: z.object({
        notifications: z.int(),
        items: z.int(),
        differences: z.array(z.object({ what: z.string(), id: z.string(), sentence: z.string() })),
      }),
    },
    async ({ who }) => {
      const { notifications, items, differences } = await api.house.rebuild(who.accountId);
      return { notifications, items, differences: [...differences] };
    },
  );
}
