drop index repos_num_rows_idx;
