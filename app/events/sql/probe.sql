select exists (select from slots)
