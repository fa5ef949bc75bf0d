"""`fortress compliance watch`: judge a stack again and again, log findings, send alerts."""
