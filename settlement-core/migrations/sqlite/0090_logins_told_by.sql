-- Who told of a login: a merchant's word counts for its own orders and customers alone. Empty: the operator's, which counts
-- for all shops, as do those that were noted before.
CREATE TABLE identities_told (
    visitor BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    platform TEXT NOT NULL,
    buyer TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('visitor_token', 'click_token', 'order')),
    recorded_at INTEGER NOT NULL,
    told_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (visitor, at_ms, platform, buyer, told_by)
) STRICT, WITHOUT ROWID;
INSERT INTO identities_told (visitor, at_ms, platform, buyer, source, recorded_at)
    SELECT visitor, at_ms, platform, buyer, source, recorded_at FROM identities;
DROP TABLE identities;
ALTER TABLE identities_told RENAME TO identities;
CREATE INDEX identities_buyer ON identities (platform, buyer, at_ms);

-- What the planner is told of it, as before (see 0073).
DELETE FROM sqlite_stat1 WHERE tbl IN ('identities', 'identities_told');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('identities', 'identities', '1000000000000 2 1 1 1 1'),
    ('identities', 'identities_buyer', '1000000000000 500000000000 2 1');
ANALYZE sqlite_schema;
