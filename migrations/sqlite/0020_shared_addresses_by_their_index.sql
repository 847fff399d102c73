-- Nothing to do here: the other database looked addresses up by the wrong index.
select 1;
