-- What reads repositories is worked through beside the mails, and not before them. As in 20261130040001: the lists of kinds are those of
-- `claim` in crates/hub/src/jobs/queries.rs, letter by letter. `jobs_quick_idx` stays for nodes of the version before.
set local lock_timeout = '10s';
create index jobs_told_idx on jobs (run_at) where failed_at is null and kind not in (
    'collect_garbage', 'convert_weights', 'count_activity', 'derive_again', 'export_data', 'look_at_card', 'measure_storage',
    'prune_audit_log', 'put_in_chunks', 'read_headers', 'read_texts', 'repack', 'scan_again', 'scan_files', 'sketch_weights',
    'sweep_personal_data', 'sweep_sign_ins', 'sweep_uploads');
create index jobs_reads_idx on jobs (run_at) where failed_at is null and kind in ('look_at_card', 'read_headers', 'read_texts');
