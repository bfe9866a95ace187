drop table rule_shapes;
