delete from jobs where kind = 'sketch_weights';
drop table repo_sketches;
