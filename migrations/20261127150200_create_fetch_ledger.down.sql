drop table anonymous_fetches;
drop table fetches;
