-- What takes minutes is worked through beside what people wait for. Each of the three asks for its oldest job, and must not read past what
-- waits for the others. The lists of kinds are those of `claim` in crates/hub/src/jobs/queries.rs, letter by letter: who changes one there
-- adds an index with the new list, and drops the old one in a later version. Not `concurrently`: nodes that start together wait for each
-- other with a lock that such an index would wait for.
set local lock_timeout = '10s';
create index jobs_quick_idx on jobs (run_at) where failed_at is null and kind not in (
    'collect_garbage', 'convert_weights', 'count_activity', 'derive_again', 'export_data', 'measure_storage', 'prune_audit_log',
    'put_in_chunks', 'repack', 'scan_again', 'scan_files', 'sketch_weights', 'sweep_personal_data', 'sweep_sign_ins', 'sweep_uploads');
create index jobs_slow_idx on jobs (run_at) where failed_at is null and kind in (
    'collect_garbage', 'convert_weights', 'count_activity', 'derive_again', 'export_data', 'measure_storage', 'prune_audit_log',
    'repack', 'scan_again', 'scan_files', 'sketch_weights', 'sweep_personal_data', 'sweep_sign_ins', 'sweep_uploads');
create index jobs_chunks_idx on jobs (run_at) where failed_at is null and kind = 'put_in_chunks';
