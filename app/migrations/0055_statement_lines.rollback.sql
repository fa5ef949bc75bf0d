delete from projection_generations where projection = 'statement';

drop function drop_statement_lines;

drop table statement_lines;
