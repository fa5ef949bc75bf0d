drop function settle_due(text, bigint, timestamptz);
