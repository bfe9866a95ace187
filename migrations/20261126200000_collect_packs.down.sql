alter table packs drop column condemned_at, drop column nonce;
