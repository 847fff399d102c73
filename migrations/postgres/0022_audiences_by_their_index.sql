-- Nothing to do here: this database finds the right indexes by itself.
select 1;
