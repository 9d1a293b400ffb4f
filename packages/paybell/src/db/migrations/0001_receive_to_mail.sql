-- The way of a notification: connection, notification, fact, item, entitlement, delivery.
-- account_id leads every primary key and stands in every unique one, so that tables can be distributed by account.
-- Other indexes begin with what selects: to a planner that knows no figures yet, one that begins with the account looks
-- as good as any, and it would read the whole account.

create table account (
  id uuid primary key,
  parent_id uuid references account, -- a platform's key may act for the accounts it created
  name text not null,
  settings jsonb not null default '{}',
  created_at timestamptz not null
);

create table api_key (
  account_id uuid not null references account,
  id uuid not null,
  name text not null,
  hash bytea not null unique, -- sha-256 of the key; the key itself is shown once
  hint text not null, -- its last four characters
  scope text not null check (scope in ('read', 'write', 'owner')),
  mode text not null check (mode in ('live', 'test')),
  created_at timestamptz not null,
  revoked_at timestamptz,
  primary key (account_id, id)
);

create table idempotency (
  account_id uuid not null references account,
  key text not null,
  request_hash bytea not null,
  status integer, -- null while the first request is still being worked on
  response bytea, -- sealed: answers to key and connection requests hold secrets
  created_at timestamptz not null,
  primary key (account_id, key)
);

create table connection (
  account_id uuid not null references account,
  id uuid not null,
  direction text not null check (direction in ('in', 'out')),
  protocol text not null,
  -- connections fed by one account at the provider share it: the same fact is then counted once
  provider_account text not null,
  name text not null,
  mode text not null check (mode in ('live', 'test')),
  token_hash bytea not null unique,
  token_sealed bytea not null,
  created_at timestamptz not null,
  disabled_at timestamptz,
  primary key (account_id, id)
);

create table connection_secret (
  account_id uuid not null,
  connection_id uuid not null,
  id uuid not null,
  sealed bytea not null,
  created_at timestamptz not null,
  expires_at timestamptz, -- set at rotation: old and new overlap
  primary key (account_id, connection_id, id),
  foreign key (account_id, connection_id) references connection (account_id, id)
);

-- One row for each distinct notification, byte for byte. Its id begins with received_at (UUIDv7),
-- so a lookup by id names its partition.
create table notification (
  account_id uuid not null,
  id uuid not null,
  received_at timestamptz not null,
  connection_id uuid not null,
  protocol text not null,
  provider_account text not null,
  mode text not null check (mode in ('live', 'test')),
  event text not null, -- the provider's own name for it
  order_id text, -- the provider's order, where it could be read
  state text not null check (state in ('stored', 'applied', 'waiting', 'ignored')),
  reason text,
  headers text not null, -- JSON, in order of arrival
  body bytea not null,
  redacted_at timestamptz,
  recorded_at timestamptz not null default clock_timestamp(), -- by the database's clock: what a dead node left behind
  primary key (account_id, id, received_at)
) partition by range (received_at);

create index notification_stored on notification (recorded_at) where state = 'stored';
create index notification_waiting on notification (account_id, mode, id) where state = 'waiting';
create index notification_listed on notification (account_id, mode, id);
create index notification_order on notification (order_id, account_id);

-- Recognises repeats: the same bytes on the same connection.
create table arrival (
  account_id uuid not null,
  connection_id uuid not null,
  digest bytea not null, -- sha-256 of the body
  notification_id uuid not null,
  arrivals integer not null,
  last_at timestamptz not null,
  primary key (account_id, connection_id, digest)
);

create index arrival_notification on arrival (notification_id);

-- What could not be verified: changes nothing, bounded in number, age and size.
create table refusal (
  account_id uuid not null,
  id uuid not null,
  connection_id uuid not null,
  received_at timestamptz not null,
  reason text not null,
  sentence text not null,
  headers text not null,
  body bytea not null, -- its first 16 KiB
  body_length integer not null,
  primary key (account_id, id)
);

create index refusal_connection on refusal (connection_id, id);

create table customer (
  account_id uuid not null references account,
  id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  reference text, -- the vendor's own name for this customer
  first_name text,
  last_name text,
  country text,
  language text,
  created_at timestamptz not null,
  erased_at timestamptz,
  primary key (account_id, id),
  unique (reference, account_id, mode)
);

-- Trimmed, lower case. An address belongs to one customer.
create table customer_email (
  account_id uuid not null,
  mode text not null,
  email text not null,
  customer_id uuid not null,
  added_at timestamptz not null,
  confirmed_at timestamptz,
  primary key (account_id, mode, email),
  -- checked at commit: the address decides which node makes the customer
  foreign key (account_id, customer_id) references customer (account_id, id) deferrable initially deferred
);

create index customer_email_customer on customer_email (customer_id);

create table orders (
  account_id uuid not null references account,
  id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  protocol text not null,
  provider_account text not null,
  order_id text not null, -- the provider's
  customer_id uuid not null,
  email text not null, -- as typed at the checkout; stays when the contact address is corrected
  contact_email text not null, -- where mail goes
  buyer jsonb not null, -- name, company, country, language as on the order
  created_at timestamptz not null,
  primary key (account_id, id),
  unique (order_id, account_id, protocol, provider_account, mode),
  foreign key (account_id, customer_id) references customer (account_id, id)
);

create index orders_customer on orders (customer_id);

create table product (
  account_id uuid not null references account,
  id uuid not null,
  name text not null,
  config jsonb not null, -- features, licence, login, download, mails, settings: domain/product.ts
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  primary key (account_id, id)
);

-- Which provider's product is which of ours.
create table product_source (
  account_id uuid not null,
  protocol text not null,
  product_key text not null, -- the provider's
  product_id uuid not null,
  mapped_at timestamptz not null,
  primary key (account_id, protocol, product_key),
  foreign key (account_id, product_id) references product (account_id, id)
);

create index product_source_product on product_source (product_id);

-- One product of one order: everything hangs on it.
create table item (
  account_id uuid not null,
  id uuid not null,
  order_row uuid not null,
  customer_id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  protocol text not null,
  product_key text not null,
  product_name text,
  product_id uuid, -- null: waits to be mapped
  state jsonb not null default '{}', -- the fold's answer: ledger/fold.ts
  balance_minor bigint not null default 0,
  currency text,
  waiting text, -- why it is in the operator's list
  effects text[] not null default '{}', -- state changes whose side effects are done: each once
  quiet_before timestamptz, -- mapped later than bought: what lies before is not mailed
  walked_to timestamptz, -- side effects are derived up to here
  due_at timestamptz, -- the next instant at which the clock alone changes something
  created_at timestamptz not null,
  primary key (account_id, id),
  unique (order_row, product_key, account_id),
  foreign key (account_id, order_row) references orders (account_id, id)
);

create index item_customer on item (customer_id);
create index item_product on item (product_id);
create index item_waiting on item (waiting, account_id) where waiting is not null;
create index item_unmapped on item (product_key, account_id) where product_id is null;
create index item_due on item (due_at) where due_at is not null;

-- Facts: each at most once. Never updated.
create table fact (
  account_id uuid not null,
  id uuid not null,
  item_id uuid not null,
  protocol text not null,
  provider_account text not null,
  mode text not null,
  identity text not null,
  kind text not null,
  happened_at timestamptz not null,
  arrived_at timestamptz not null,
  notification_id uuid, -- null: the operator's word
  amount_minor bigint,
  currency text,
  body jsonb not null,
  primary key (account_id, id),
  unique (identity, account_id, protocol, provider_account, mode),
  foreign key (account_id, item_id) references item (account_id, id),
  check ((amount_minor is null) = (currency is null))
);

create index fact_item on fact (item_id);
create index fact_notification on fact (notification_id);

-- What a customer may use now; the difference to what comes next becomes an event.
create table entitlement (
  account_id uuid not null,
  mode text not null,
  customer_id uuid not null,
  feature text not null,
  open boolean not null,
  until timestamptz,
  quantity bigint, -- numeric limit
  changed_at timestamptz not null,
  primary key (account_id, customer_id, feature)
);

-- What our side announces.
create table event (
  account_id uuid not null,
  id uuid not null,
  mode text not null,
  type text not null,
  at timestamptz not null,
  data jsonb not null,
  primary key (account_id, id, at)
) partition by range (at);

create index event_listed on event (account_id, mode, id);

create table licence (
  account_id uuid not null,
  id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  product_id uuid not null,
  item_id uuid, -- null: free, in the pool
  hash bytea not null, -- keyed hash of the key: finds it without storing it readable
  sealed bytea not null,
  position bigint generated always as identity,
  created_at timestamptz not null,
  given_at timestamptz,
  primary key (account_id, id),
  unique (hash, account_id)
);

create index licence_free on licence (product_id, mode, position) where item_id is null;
create unique index licence_item on licence (item_id) where item_id is not null;

create table activation (
  account_id uuid not null,
  id uuid not null,
  licence_id uuid not null,
  machine text not null,
  name text,
  activated_at timestamptz not null,
  deactivated_at timestamptz,
  primary key (account_id, id),
  foreign key (account_id, licence_id) references licence (account_id, id)
);

create unique index activation_machine on activation (licence_id, machine) where deactivated_at is null;

-- One-time login links and downloads; the token itself stands only in the mail.
create table link (
  account_id uuid not null,
  id uuid not null,
  mode text not null,
  kind text not null check (kind in ('login', 'download')),
  item_id uuid not null,
  customer_id uuid not null,
  email text not null,
  token_hash bytea not null unique,
  code_hash bytea, -- second way of a login: keyed hash of the code
  tries integer not null default 0,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz,
  primary key (account_id, id)
);

create index link_item on link (item_id);
create index link_email on link (email, account_id) where kind = 'login';

-- A file the seller gave us to hand out, in pieces.
create table download_file (
  account_id uuid not null,
  product_id uuid not null,
  name text not null,
  content_type text not null,
  size bigint not null,
  uploaded_at timestamptz not null,
  primary key (account_id, product_id),
  foreign key (account_id, product_id) references product (account_id, id)
);

create table download_piece (
  account_id uuid not null,
  product_id uuid not null,
  position integer not null,
  bytes bytea not null,
  primary key (account_id, product_id, position)
);

-- Our duty to bring one message to one place; here a mailbox.
create table delivery (
  account_id uuid not null,
  id uuid not null,
  mode text not null check (mode in ('live', 'test')),
  item_id uuid,
  kind text not null, -- which mail
  recipient text, -- null: nobody may get it (test mode), it is only shown
  intended_for text,
  language text not null,
  needs_access boolean not null default false, -- not sent when the item has no access at the moment of sending
  sealed bytea not null, -- subject, html and text: they hold login links
  state text not null check (state in ('due', 'sending', 'sent', 'kept', 'failed', 'bounced', 'dropped')),
  reason text,
  attempts integer not null default 0,
  due_at timestamptz not null,
  leased_until timestamptz,
  created_at timestamptz not null,
  sent_at timestamptz,
  primary key (account_id, id)
);

create index delivery_due on delivery (due_at) where state in ('due', 'sending');
create index delivery_item on delivery (item_id);
create index delivery_listed on delivery (account_id, mode, id);

-- Reported to the operator without being asked.
create table alarm (
  account_id uuid not null,
  id uuid not null,
  mode text not null,
  kind text not null,
  key text not null, -- what it is about; raised once for each
  data jsonb not null,
  raised_at timestamptz not null,
  last_at timestamptz not null,
  times integer not null default 1,
  closed_at timestamptz,
  primary key (account_id, id),
  unique (key, kind, account_id, mode)
);

-- One row: recognises a wrong master key before it can do harm.
create table installation (
  single boolean primary key default true check (single),
  id uuid not null,
  sealed bytea not null,
  created_at timestamptz not null
);
