drop table statement_lines;
