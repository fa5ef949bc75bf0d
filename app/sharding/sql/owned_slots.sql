select slot from slots where state = 'owned'
