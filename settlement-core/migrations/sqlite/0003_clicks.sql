-- Clicks as the edges recorded them, how far each stream has come, and everything that did not fit.

CREATE TABLE edges (
    edge INTEGER PRIMARY KEY,
    first_seen INTEGER NOT NULL,
    heartbeat_at INTEGER,
    -- The edge's own clock at its last heartbeat.
    edge_clock INTEGER,
    applied INTEGER NOT NULL,
    shipped_through INTEGER NOT NULL
) STRICT;

-- One row per worker of one start of an edge. `next_sequence` is the cursor: everything below is here. The totals
-- after it are the core's own; those from `tally_sequence` on are the edge's, as of its last tally that arrived.
CREATE TABLE edge_streams (
    edge INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    worker INTEGER NOT NULL,
    next_sequence INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    tallies INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    tally_sequence INTEGER,
    answered INTEGER NOT NULL,
    recorded INTEGER NOT NULL,
    counted_refused INTEGER NOT NULL,
    counted_rate_limited INTEGER NOT NULL,
    counted_not_found INTEGER NOT NULL,
    counted_overloaded INTEGER NOT NULL,
    unjournaled INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (edge, epoch, worker)
) STRICT, WITHOUT ROWID;

-- How a stream stands in the edge's own words, from its last heartbeat (JSON of one stream's status).
CREATE TABLE stream_status (
    edge INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    worker INTEGER NOT NULL,
    status TEXT NOT NULL,
    live INTEGER NOT NULL,
    appended INTEGER NOT NULL,
    shipped INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (edge, epoch, worker)
) STRICT, WITHOUT ROWID;

-- `payload` is the record byte for byte; the columns beside it are what queries look for.
CREATE TABLE clicks (
    click_id BLOB NOT NULL PRIMARY KEY,
    effective_ms INTEGER NOT NULL,
    edge_ms INTEGER NOT NULL,
    ingested_ms INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    visitor BLOB,
    code INTEGER NOT NULL,
    placement INTEGER NOT NULL,
    target INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT, WITHOUT ROWID;
-- "The clicks of these visitors that may earn, by time": outcome 15 is `attributed`.
CREATE INDEX clicks_visitor ON clicks (visitor, effective_ms) WHERE outcome = 15;

-- The same key came with other bytes: the second bytes are kept here, the first stay where they are.
CREATE TABLE quarantine (
    click_id BLOB NOT NULL,
    edge_ms INTEGER NOT NULL,
    payload BLOB NOT NULL,
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (click_id, payload)
) STRICT, WITHOUT ROWID;

-- A frame that this program cannot read, kept for one that can.
CREATE TABLE dead_letters (
    click_id BLOB NOT NULL PRIMARY KEY,
    edge_ms INTEGER NOT NULL,
    payload BLOB NOT NULL,
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Numbers that an edge says it can never deliver (half-open).
CREATE TABLE lost_ranges (
    edge INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    worker INTEGER NOT NULL,
    from_sequence INTEGER NOT NULL,
    to_sequence INTEGER NOT NULL,
    reported_at INTEGER NOT NULL,
    PRIMARY KEY (edge, epoch, worker, from_sequence)
) STRICT, WITHOUT ROWID;

-- Who a visitor was at a time: joined at login or by a token on an order.
CREATE TABLE identities (
    visitor BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    platform TEXT NOT NULL,
    buyer TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('visitor_token', 'click_token', 'order')),
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (visitor, at_ms, platform, buyer)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_buyer ON identities (platform, buyer, at_ms);
