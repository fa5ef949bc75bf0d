delete from subject_keys where slot = %(slot)s
