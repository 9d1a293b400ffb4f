-- What several providers need: orders known by more than one id, and notifications that are not proven yet.

-- The provider's other ids of an order: payment, subscription, invoice.
create table order_alias (
  account_id uuid not null,
  protocol text not null,
  provider_account text not null,
  mode text not null,
  alias text not null,
  order_id text not null, -- the provider's order
  primary key (account_id, protocol, provider_account, mode, alias)
);

-- What spoke of an order nobody had told of yet, by each name it used.
create table unmatched (
  account_id uuid not null,
  protocol text not null,
  provider_account text not null,
  mode text not null,
  alias text not null,
  notification_id uuid not null,
  primary key (account_id, protocol, provider_account, mode, alias, notification_id)
);

create index unmatched_notification on unmatched (notification_id);

-- What a connection is set up with beside its secrets; the sealed ones are never shown again.
alter table connection
  add column options jsonb not null default '{}',
  add column options_sealed bytea;

-- unverified: the provider has to be asked first. Nothing acts on it.
alter table notification
  drop constraint notification_state_check,
  add constraint notification_state_check check (state in ('unverified', 'stored', 'applied', 'waiting', 'ignored')),
  add column check_at timestamptz, -- of an unverified one: when the provider is asked next
  add column checks integer not null default 0,
  add column replies jsonb; -- what the provider answered: part of what the notification says

create index notification_unverified on notification (check_at) where state = 'unverified';

-- What a provider shows the buyer right after the purchase, sealed: a repeat is answered with the same again.
create table shown (
  account_id uuid not null,
  item_id uuid not null,
  sealed bytea not null,
  created_at timestamptz not null,
  primary key (account_id, item_id)
);

-- Of an incoming connection: when its silence is looked at next, and before when nobody listened, as it was switched off.
alter table connection
  add column look_at timestamptz not null default '-infinity',
  add column heard_from timestamptz;

create index connection_look on connection (look_at) where direction = 'in' and mode = 'live';

-- The rhythm in which a connection's notifications arrive.
create index notification_rhythm on notification (connection_id, account_id, received_at)
  where mode = 'live' and state <> 'unverified';
