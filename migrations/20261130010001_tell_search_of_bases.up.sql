-- The memory that an adapter takes is that of its base and its own: the index hears of the adapters when their base changes.
set local lock_timeout = '10s';
create function note_search_adapters() returns trigger language plpgsql as $$
begin
    -- By the name that the base has now; what names it by another one is told with its own next change.
    insert into search_changes (repo_pk, counters_only)
    select r.repo_pk, false from repos r
    where r.deleted_at is null and r.repo_type = 'model' and r.repo_pk <> new.repo_pk
      -- What the card calls it may be something else.
      and r.facts #> '{weights,adapter}' = 'true'
      and r.tags @> array['base_model:' || (select n.name from namespaces n where n.namespace_pk = new.namespace_pk)
                          || '/' || new.name];
    return null;
end $$;
create trigger repos_search_adapters after update of facts, private, resource_group_pk, unlisted, disabled, deleted_at on repos for each row
    when (new.repo_type = 'model' and (
        (old.facts -> 'safetensors', old.facts -> 'gguf_parameters', old.facts #> '{weights,adapter}',
         old.private, old.resource_group_pk, old.unlisted, old.disabled, old.deleted_at)
        is distinct from
        (new.facts -> 'safetensors', new.facts -> 'gguf_parameters', new.facts #> '{weights,adapter}',
         new.private, new.resource_group_pk, new.unlisted, new.disabled, new.deleted_at)))
    execute function note_search_adapters();
