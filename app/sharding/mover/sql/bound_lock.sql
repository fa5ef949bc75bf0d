select
    set_config('lock_timeout', %(wait)s, true),
    set_config('transaction_timeout', %(hold)s, true)
