-- Only SQLite keeps the order of clicks by visitor in runs: here the index `clicks_visitor` is enough.
SELECT 1;
