select rebase_events()
