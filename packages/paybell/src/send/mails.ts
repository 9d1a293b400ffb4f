import type { Mode } from "@paybell/protocols/domain/fact";
import { accessAt } from "../access/access.ts";
import type { Context } from "../context.ts";
import { raiseAlarms } from "../fulfil/alarms.ts";
import type { ItemState } from "../ledger/fold.ts";
import { type ItemDelivery, sendDueMails } from "./deliver.ts";
import type { MailTransport } from "./smtp.ts";

export type Mails = {
  /** from now on a ring sends */
  start(): void;
  /** mails may be due */
  ring(): void;
  sendDue(): Promise<void>;
  stop(): Promise<void>;
};

/** Sends what is due, one round at a time on this node. @param transport null: mails are kept and shown */
export function createMails(context: Context, transport: MailTransport | null): Mails {
  let started = false;
  let round: Promise<void> | undefined;
  let again = false;

  const sendDue = async (): Promise<void> => {
    if (round) {
      again = true;
      return round;
    }
    round = rounds();
    try {
      await round;
    } finally {
      round = undefined;
    }
  };

  return {
    start: () => void (started = true),
    ring() {
      if (started)
        void sendDue().catch((error: unknown) =>
          context.log.warn({ code: (error as { code?: string }).code }, "mails wait for the store"),
        );
    },
    sendDue,
    async stop() {
      started = false;
      await round?.catch(() => undefined);
      transport?.close();
    },
  };

  async function rounds(): Promise<void> {
    do {
      again = false;
      const duty = {
        ...context,
        mail: transport,
        random: Math.random,
        stillOpen: (deliveries: readonly ItemDelivery[]) => stillOpen(context, deliveries),
        onBounce: (deliveries: readonly Bounced[]) => reportBounces(context, deliveries),
      };
      while ((await sendDueMails(duty, 200)) > 0);
    } while (again);
  }
}

/** A welcome is never sent for an item that has no access at the moment of sending. */
async function stillOpen({ pool, clock }: Context, deliveries: readonly ItemDelivery[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string; state: ItemState }>(
    "select i.id, i.state from unnest($1::uuid[], $2::uuid[]) as t (account_id, id) join item i using (account_id, id)",
    [deliveries.map((one) => one.accountId), deliveries.map((one) => one.itemId)],
  );
  const open = new Set(
    rows.filter((row) => "spans" in row.state && accessAt(row.state, clock()).open).map((row) => row.id),
  );
  return new Set(deliveries.filter((one) => open.has(one.itemId)).map((one) => one.deliveryId));
}

type Bounced = { readonly accountId: string; readonly deliveryId: string };

/** The operator's own bounces raise nothing: the next mail would bounce as well. */
async function reportBounces(context: Context, deliveries: readonly Bounced[]): Promise<void> {
  const { rows } = await context.pool.query<{
    account_id: string;
    id: string;
    mode: Mode;
    recipient: string;
    reason: string;
    order_id: string;
  }>(
    `select d.account_id, d.id, d.mode, d.recipient, d.reason, o.order_id
     from unnest($1::uuid[], $2::uuid[]) as t (account_id, id)
     join delivery d using (account_id, id)
     join item i on i.account_id = d.account_id and i.id = d.item_id
     join orders o on o.account_id = i.account_id and o.id = i.order_row`,
    [deliveries.map((one) => one.accountId), deliveries.map((one) => one.deliveryId)],
  );
  const at = context.clock();
  await raiseAlarms(
    context,
    context.pool,
    rows.map((row) => ({
      accountId: row.account_id,
      mode: row.mode,
      kind: "mail_bounced",
      key: row.id,
      data: { order_id: row.order_id, address: row.recipient, reason: row.reason },
      at,
    })),
  );
}
