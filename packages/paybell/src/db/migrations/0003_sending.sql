-- The sending end: where events go, whose turn it is to bring them, and every attempt.
-- What grows is cut by the month in which it may be forgotten (expires_at = its time + the account's retention), so that
-- each account has a retention of its own and forgetting drops a partition.

-- A UUIDv7 made here: its first 48 bits are milliseconds since 1970 (RFC 9562, section 5.7).
create function id_at(at timestamptz) returns uuid language sql volatile as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid()) placing substring(int8send(floor(extract(epoch from at) * 1000)::bigint) from 3) from 1 for 6),
      52, 1), 53, 1), 'hex')::uuid
$$;

-- Makes the partition of each month from one instant to another.
create function make_months(parent text, first timestamptz, last timestamptz) returns void language plpgsql as $$
declare
  month timestamp := date_trunc('month', first at time zone 'UTC');
begin
  while month <= last at time zone 'UTC' loop
    execute format('create table if not exists %I partition of %I for values from (%L) to (%L)',
      parent || to_char(month, '_YYYY_MM'), parent, month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
    month := month + interval '1 month';
  end loop;
end
$$;

alter table connection alter column token_hash drop not null;
alter table connection alter column token_sealed drop not null;
alter table connection add column removed_at timestamptz;
alter table connection add check (direction = 'out' or token_hash is not null);

-- The outgoing side of a connection: where an account's events go, in which format, and which of them.
create table address (
  account_id uuid not null,
  id uuid not null, -- the connection's
  mode text not null check (mode in ('live', 'test')),
  format text not null,
  sealed bytea not null, -- URL, headers, client certificate: domain/address.ts
  types text[], -- event types, `payment.*` for a family; null: all
  products text[], -- the provider's product or ours; null: all
  min_minor bigint,
  max_minor bigint,
  currency text,
  ordered boolean not null, -- events of one order one after the other
  options jsonb not null, -- schedule, timeout, concurrency, rate, format's switches: domain/address.ts
  updated_at timestamptz not null,
  primary key (account_id, id),
  foreign key (account_id, id) references connection (account_id, id)
);

-- A process that sends. It holds lanes as long as its lease is renewed; one that lost it comes back under another id.
create table node (
  id uuid primary key,
  name text not null,
  started_at timestamptz not null,
  leased_until timestamptz not null
);

-- One for each outgoing connection, and one for each account's mail. Whoever holds it, and nobody else, sends.
create table lane (
  account_id uuid not null references account,
  id uuid not null, -- the connection's; the account's for its mail
  transport text not null check (transport in ('http', 'mail')),
  node uuid, -- who holds it
  version integer not null default 1, -- counts changes its holder must notice
  paused_at timestamptz, -- by the seller
  disabled_at timestamptz, -- by the seller, by 410, or after failing for too long
  disabled_reason text,
  failures integer not null default 0, -- in a row
  failing_since timestamptz,
  told integer not null default 0, -- how far the seller was told of this failing: 1 begun, 2 half time, 3 disabled
  open_until timestamptz, -- breaker: nothing before, then one probe
  last_sent_at timestamptz,
  last_failure jsonb, -- at, code, sentence, status
  primary key (account_id, id)
);

create unique index lane_id on lane (id);
create index lane_node on lane (node) where node is not null;

insert into lane (account_id, id, transport) select id, id, 'mail' from account;

-- Our duty to bring one event, or one mail, to one place.
alter table delivery rename to delivery_before;
alter table delivery_before rename constraint delivery_pkey to delivery_before_pkey;
drop index delivery_due, delivery_item, delivery_listed, delivery_recipient;

create table delivery (
  account_id uuid not null,
  id uuid not null,
  expires_at timestamptz not null,
  mode text not null check (mode in ('live', 'test')),
  lane_id uuid not null,
  kind text not null, -- the event's type; which mail
  state text not null check (state in ('due', 'sent', 'kept', 'failed', 'bounced', 'dropped')),
  reason text,
  attempts integer not null default 0,
  attempts_before integer not null default 0, -- of them, those that its schedule does not count
  hurried integer not null default 0, -- how often it was due early, as its address was well again
  due_at timestamptz not null,
  created_at timestamptz not null,
  sent_at timestamptz,
  -- an event, which expires with its delivery
  event_id uuid,
  order_key text, -- on an ordered lane: what stays in order
  -- a mail
  item_id uuid,
  recipient text, -- null: nobody may get it (test mode), it is only shown
  intended_for text,
  language text,
  needs_access boolean not null default false, -- not sent when the item has no access at the moment of sending
  sealed bytea, -- subject, html and text: they hold login links
  primary key (account_id, id, expires_at),
  check ((event_id is null) <> (sealed is null))
) partition by range (expires_at);

create index delivery_due on delivery (lane_id, due_at) where state = 'due';
create index delivery_ordered on delivery (lane_id, order_key, event_id) where state = 'due' and order_key is not null;
create index delivery_lane on delivery (lane_id, id);
create index delivery_failed on delivery (lane_id) where state = 'failed' and event_id is not null;
create index delivery_event on delivery (event_id) where event_id is not null;
create index delivery_item on delivery (item_id) where item_id is not null;
create index delivery_recipient on delivery (lower(recipient), account_id) where recipient is not null;

-- What is here is kept for as long as what is made today.
select make_months(parent, now() + interval '90 days', now() + interval '100 days') from unnest(array['delivery']) as t (parent);

insert into delivery (account_id, id, expires_at, mode, lane_id, kind, state, reason, attempts, due_at, created_at, sent_at,
                      item_id, recipient, intended_for, language, needs_access, sealed)
select account_id, id, now() + interval '90 days', mode, account_id, kind, case state when 'sending' then 'due' else state end,
       reason, attempts, due_at, created_at, sent_at, item_id, recipient, intended_for, language, needs_access, sealed
from delivery_before;

drop table delivery_before;

create table attempt (
  account_id uuid not null,
  delivery_id uuid not null,
  id uuid not null,
  expires_at timestamptz not null,
  number integer not null, -- from 1
  at timestamptz not null,
  node text not null,
  dns_ms real, -- null: a phase that did not happen, such as on a kept connection
  connect_ms real,
  tls_ms real,
  first_byte_ms real,
  total_ms real not null,
  status integer, -- HTTP
  code text, -- null: it arrived
  sentence text,
  answer text, -- its first bytes
  primary key (account_id, delivery_id, id, expires_at)
) partition by range (expires_at);

-- What our side announces: the payload once, printed once.
alter table event rename to event_before;
alter table event_before rename constraint event_pkey to event_before_pkey;
drop index event_listed;

do $$
declare
  part text;
begin
  for part in select inhrelid::regclass::text from pg_inherits where inhparent = 'event_before'::regclass loop
    execute format('alter table %I rename to %I', part, part || '_before');
  end loop;
end
$$;

create table event (
  account_id uuid not null,
  id uuid not null,
  expires_at timestamptz not null,
  mode text not null,
  type text not null,
  at timestamptz not null,
  order_key text,
  about text, -- whom it tells of, to be found when they are erased: the customer's id, of what was published the buyer's address in lower case, of an alarm its id
  data json not null, -- as it was printed
  txid xid8 not null default pg_current_xact_id(), -- polling stops before what is not committed yet
  primary key (account_id, id, expires_at)
) partition by range (expires_at);

create index event_listed on event (account_id, mode, txid, id);
create index event_order on event (order_key, account_id) where order_key is not null;
create index event_about on event (about, account_id) where about is not null;

select make_months(parent, now() + interval '90 days', now() + interval '100 days') from unnest(array['event', 'attempt']) as t (parent);

insert into event (account_id, id, expires_at, mode, type, at, about, data, txid)
select account_id, id, now() + interval '90 days', mode, type, at, coalesce(data ->> 'customer_id', data ->> 'alarm_id'), data, '3' from event_before;

drop table event_before;

-- What was published under a key, so that publishing again answers the same.
create table publication (
  account_id uuid not null,
  mode text not null,
  key text not null,
  month timestamptz not null, -- its first instant
  published_at timestamptz not null,
  digest bytea not null, -- sha-256 of the payment
  event_id uuid not null,
  primary key (account_id, mode, key, month)
) partition by range (month);

-- Work on many deliveries: goes on after a restart, shows how far it is.
create table job (
  account_id uuid not null references account,
  id uuid not null,
  mode text not null,
  kind text not null,
  params jsonb not null,
  state text not null check (state in ('running', 'done', 'cancelled', 'failed')),
  position uuid, -- done up to here
  done bigint not null default 0,
  total bigint,
  reason text,
  created_at timestamptz not null,
  finished_at timestamptz,
  node uuid,
  primary key (account_id, id)
);

create index job_running on job (id) where state = 'running';

-- Keys and accounts are remembered for a moment by nodes that hear of every change.
create function tell_of_keys() returns trigger language plpgsql as $$
begin
  perform pg_notify('paybell_keys', '');
  return null;
end
$$;

create trigger told after update or delete on api_key for each statement execute function tell_of_keys();
create trigger told after update or delete on account for each statement execute function tell_of_keys();
