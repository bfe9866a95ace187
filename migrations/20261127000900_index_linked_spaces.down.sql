drop index repos_linked_spaces_idx;
