select drop_statement_lines(%(slot)s)
