-- What the tables of a large shop look like, for SQLite's planner. Left to itself it takes the first column of every index
-- for one that leaves ten rows, also where it leaves half of the table: then it looks through all accounts of a platform
-- instead of for one device, and through all products instead of for the twenty of a page. These figures are not measured
-- and never change, so that a statement runs the same way in every installation, however young. What stands here: rows of
-- the table, then how many of them share a value of the first column, of the first two, and so on. The number of rows is out
-- of proportion on purpose: where more is looked up than a table has rows, SQLite would first read all of it for a Bloom
-- filter, for every question anew.
ANALYZE schema_migrations;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('library_marks', NULL, '500'),
    ('identities', 'identities', '1000000000000 2 1 1 1'),
    ('identities', 'identities_buyer', '1000000000000 500000000000 2 1'),
    ('promoter_accounts', 'promoter_accounts', '1000000000000 500000000000 1 1'),
    ('targets', 'sqlite_autoindex_targets_1', '1000000000000 500000000000 1'),
    ('targets', 'targets_merchant', '1000000000000 1000 900 1'),
    ('targets', 'targets_in_order', '1000000000000 1000 1'),
    ('targets', 'targets_of_category', '1000000000000 5000 1'),
    ('periods', 'periods', '1000000000000 500000000000 2 1 1 1'),
    ('rates', 'rates', '1000000000000 500000000000 1'),
    ('rates', 'rates_of_subject', '1000000000000 500000000000 400000000000 2'),
    ('earlier_facts', 'earlier_facts', '1000000000000 500000000000 2 1'),
    ('order_events', 'order_events', '1000000000000 500000000000 4 1 1 1'),
    ('order_decisions', 'order_decisions', '1000000000000 500000000000 2 1 1'),
    ('order_tokens', 'order_tokens', '1000000000000 500000000000 1 1'),
    ('order_reviews', 'order_reviews', '1000000000000 500000000000 1 1 1 1'),
    ('disputes', 'disputes', '1000000000000 500000000000 1 1 1'),
    ('ledger_entries', 'ledger_entries', '1000000000000 3 1'),
    ('ledger_entries', 'ledger_entries_of_account', '1000000000000 500000000000 100 80'),
    ('ledger_transfers', 'ledger_transfers_of_line', '1000000000000 500000000000 2 2'),
    ('ledger_balances', 'ledger_balances', '1000000000000 500000000000 2 1'),
    ('payout_buckets', 'payout_buckets', '1000000000000 500000000000 6 5 1'),
    ('payout_entries', 'payout_entries_of_bucket', '1000000000000 500000000000 100 90 10 1'),
    ('payout_totals', 'payout_totals', '1000000000000 500000000000 1'),
    ('payouts', 'payouts_key', '1000000000000 500000000000 6 1 1'),
    ('payouts', 'payouts_of_day', '1000000000000 500000000000 20000 1'),
    ('payouts', 'payouts_of_payee', '1000000000000 6 1');
ANALYZE sqlite_schema;
