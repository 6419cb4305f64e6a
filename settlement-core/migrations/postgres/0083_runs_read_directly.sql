-- Only SQLite's view has two halves.
SELECT 1;
