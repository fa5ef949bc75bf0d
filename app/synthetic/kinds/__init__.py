"""General kinds of columns: values, times and templates."""
