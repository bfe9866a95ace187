drop index namespaces_skeleton_idx;
drop function name_skeleton(text);
delete from moderation_reports where rule is not null;
drop index moderation_reports_rule_idx;
alter table moderation_reports drop column rule;
drop table rule_texts;
drop table rule_counts;
