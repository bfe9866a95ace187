-- From where a token was last used; and when one was found where everybody can read it: it is worth nothing from then on, and
-- stays in the list of its owner, who is to know.
alter table access_tokens add column last_used_address text, add column leaked_at timestamptz;
