-- What a login link is exchanged for: the seller's app takes it, once, within minutes. It goes with its link.
create table ticket (
  account_id uuid not null,
  hash bytea not null,
  link_id uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (account_id, hash),
  foreign key (account_id, link_id) references link (account_id, id) on delete cascade
);

create index ticket_link on ticket (link_id);

-- Whose mailbox asks for a new login link.
create index orders_contact on orders (lower(btrim(contact_email)), account_id);

-- SHA-256 of the bytes: names a version of the file, so that an interrupted download does not go on with another.
alter table download_file add column digest bytea not null;

-- Orders and mails are looked up by an address.
create index orders_email on orders (lower(btrim(email)), account_id);
create index delivery_recipient on delivery (lower(recipient), account_id);
