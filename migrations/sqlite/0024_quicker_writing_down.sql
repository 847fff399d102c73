-- Nothing to do here: this database's index of outcomes holds no others, and its constraint costs little.
select 1;
