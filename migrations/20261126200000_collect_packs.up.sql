-- Packs that were joined into others go, too. The nonce is part of a pack's keys in the store, so that no key is used
-- twice; packs of before have none.
alter table packs add column nonce bigint;
-- Since when no repository has it: it waits in quarantine.
alter table packs add column condemned_at timestamptz;
create index packs_condemned_at_idx on packs (condemned_at) where condemned_at is not null;
