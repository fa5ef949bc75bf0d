drop table streams;
