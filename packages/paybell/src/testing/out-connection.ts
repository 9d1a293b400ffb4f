import type { Receiver } from "./receiver.ts";
import type { Shop } from "./shop.ts";

/** An outgoing connection as the API shows it. */
export type OutConnection = {
  id: string;
  url: string;
  protocol: string;
  state: string;
  paused: boolean;
  disabled: boolean;
  disabled_reason: string | null;
  waiting: number;
  health: {
    failures: number;
    failing_since: string | null;
    next_probe_at: string | null;
    last_sent_at: string | null;
    last_failure: { at: string; code: string; sentence: string; status: number | null } | null;
  };
  secrets: { id: string; expires_at: string | null; public_key?: string }[];
  secret?: string;
  events: string[] | null;
  headers: string[];
};

/** Connects an address; without more told, in Standard Webhooks. The shop must be opened with {@link loopback}. */
export function connect(
  shop: Shop,
  to: Pick<Receiver, "url">,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<OutConnection> {
  return shop.ok<OutConnection>("POST", "/v1/connections", {
    direction: "out",
    protocol: "standard-webhooks",
    name: "Shop system",
    url: to.url,
    ...fields,
  });
}

/** What lets deliveries reach receivers of tests. */
export const loopback = { allowNets: "127.0.0.0/8", newConnection: false } as const;
