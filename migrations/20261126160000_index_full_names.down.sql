drop index if exists users_fullname_trgm_idx;
drop index if exists organizations_fullname_trgm_idx;
