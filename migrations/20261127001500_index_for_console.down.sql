drop index if exists users_email_trgm_idx;
drop index audit_log_all_actor_idx;
drop index audit_log_all_action_idx;
drop index users_staff_idx;
drop index jobs_failed_idx;
