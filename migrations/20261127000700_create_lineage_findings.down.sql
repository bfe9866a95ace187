drop table lineage_findings;
