import type { Instant } from "@paybell/protocols/domain/day";
import type { Mode } from "@paybell/protocols/domain/fact";
import type { RemarkKind } from "./remarks.ts";

/** Something the operator is told without asking, once for each key. */
export type Alarm = {
  readonly accountId: string;
  readonly mode: Mode;
  readonly kind: AlarmKind;
  readonly key: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly at: Instant;
};

export type AlarmKind =
  | RemarkKind
  | "product_unmapped"
  | "fact_conflict"
  | "key_pool_low"
  | "key_pool_empty"
  | "licence_over_limit"
  | "notification_unreadable"
  | "signatures_wrong"
  | "connection_silent"
  | "mail_bounced"
  | "mail_server_failing"
  | "address_failing"
  | "address_half_time"
  | "address_disabled"
  | "deliveries_failed";
