delete from statement_lines where slot = %(slot)s
