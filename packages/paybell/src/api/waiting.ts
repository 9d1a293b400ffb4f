import type { Instant } from "@paybell/protocols/domain/day";
import { z } from "zod";
import { type Api, endpoint } from "./endpoint.ts";
import { iso, isoInstant } from "./instant.ts";
import { whatToDo } from "./sentences.ts";

const waitingSchema = z.object({
  kind: z.enum([
    "product_unmapped",
    "refund_without_payment",
    "order_unknown",
    "notification_unverified",
    "fact_conflict",
    "notification_unreadable",
    "mail_undelivered",
    "key_follows",
  ]),
  since: isoInstant,
  /** how many orders, notifications or mails */
  count: z.int(),
  protocol: z.string().nullable(),
  /** the provider's product, or ours where keys are missing */
  product_id: z.string().nullable(),
  product_name: z.string().nullable(),
  order_id: z.string().nullable(),
  notification_id: z.string().nullable(),
  mail_id: z.string().nullable(),
  what_to_do: z.string(),
});

/** Nothing is dropped: what cannot be understood, matched, mapped or delivered is here. */
export function waiting(api: Api): void {
  endpoint(
    api,
    {
      method: "get",
      path: "/v1/waiting",
      tag: "waiting",
      summary: "What waits for a person, and what to do about it",
      description: "At most 200 of each kind, the oldest first. Unmapped products and missing keys are grouped.",
      scope: "read",
      answer: z.object({ data: z.array(waitingSchema) }),
    },
    async ({ who, now }) => {
      const { rows } = await api.house.pool.query<WaitingRow>({
        name: "what_waits",
        text: whatWaits,
        values: [who.accountId, who.mode, now],
      });
      return {
        data: rows.map(({ since, count, ...row }) => ({
          ...row,
          since: iso(since),
          count: Number(count),
          what_to_do: whatToDo[row.kind],
        })),
      };
    },
  );
}

type WaitingRow = {
  kind: z.output<typeof waitingSchema>["kind"];
  since: Instant;
  count: bigint;
  protocol: string | null;
  product_id: string | null;
  product_name: string | null;
  order_id: string | null;
  notification_id: string | null;
  mail_id: string | null;
};

const whatWaits = `
  (select 'product_unmapped' as kind, min(created_at) as since, count(*) as count, protocol, product_key as product_id,
          max(product_name) as product_name, null as order_id, null::uuid as notification_id, null::uuid as mail_id
   from item where account_id = $1 and mode = $2 and waiting = 'product_unmapped'
   group by protocol, product_key order by since limit 200)
  union all
  (select case when n.reason in ('refund_without_payment', 'order_unknown', 'fact_conflict') then n.reason else 'notification_unreadable' end,
          n.received_at, 1, n.protocol, null, null, n.order_id, n.id, null
   from notification n where n.account_id = $1 and n.mode = $2 and n.state = 'waiting' and n.reason <> 'product_unmapped'
   order by n.id limit 200)
  union all
  (select 'notification_unverified', n.received_at, 1, n.protocol, null, null, n.order_id, n.id, null
   from notification n where n.account_id = $1 and n.mode = $2 and n.state = 'unverified' and (n.check_at is null or n.checks > 2)
   order by n.id limit 200)
  union all
  (select 'mail_undelivered', d.created_at, 1, o.protocol, null, null, o.order_id, null, d.id
   from delivery d
   left join item i on i.account_id = d.account_id and i.id = d.item_id
   left join orders o on o.account_id = i.account_id and o.id = i.order_row
   where d.account_id = $1 and d.mode = $2 and d.state in ('failed', 'bounced')
     and (o.id is null or lower(o.contact_email) = lower(coalesce(d.intended_for, d.recipient)))
   order by d.id limit 200)
  union all
  (select 'key_follows', min(i.created_at), count(*), null, p.id::text, p.name, null, null, null
   from item i join product p on p.account_id = i.account_id and p.id = i.product_id
   left join licence l on l.account_id = i.account_id and l.item_id = i.id
   where i.account_id = $1 and i.mode = $2 and p.config ? 'licence' and l.id is null
     and i.state ->> 'suspended' is null and exists (
       select 1 from jsonb_array_elements(i.state -> 'spans') s
       where (s ->> 'from')::numeric <= $3 and (s ->> 'until' is null or (s ->> 'until')::numeric > $3))
   group by p.id, p.name order by 2 limit 200)
  order by since`;
