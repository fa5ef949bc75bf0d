delete from statement_lines
where generation = %(generation)s
