-- Nothing to do here: the other database wrote what had not changed.
select 1;
