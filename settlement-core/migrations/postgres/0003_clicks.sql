-- Clicks as the edges recorded them, how far each stream has come, and everything that did not fit.

CREATE TABLE edges (
    edge BIGINT PRIMARY KEY,
    first_seen BIGINT NOT NULL,
    heartbeat_at BIGINT,
    -- The edge's own clock at its last heartbeat.
    edge_clock BIGINT,
    applied BIGINT NOT NULL,
    shipped_through BIGINT NOT NULL
);

-- One row per worker of one start of an edge. `next_sequence` is the cursor: everything below is here. The totals
-- after it are the core's own; those from `tally_sequence` on are the edge's, as of its last tally that arrived.
CREATE TABLE edge_streams (
    edge BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    worker BIGINT NOT NULL,
    next_sequence BIGINT NOT NULL,
    clicks BIGINT NOT NULL,
    tallies BIGINT NOT NULL,
    dead BIGINT NOT NULL,
    quarantined BIGINT NOT NULL,
    duplicates BIGINT NOT NULL,
    tally_sequence BIGINT,
    answered BIGINT NOT NULL,
    recorded BIGINT NOT NULL,
    counted_refused BIGINT NOT NULL,
    counted_rate_limited BIGINT NOT NULL,
    counted_not_found BIGINT NOT NULL,
    counted_overloaded BIGINT NOT NULL,
    unjournaled BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (edge, epoch, worker)
);

-- How a stream stands in the edge's own words, from its last heartbeat (JSON of one stream's status).
CREATE TABLE stream_status (
    edge BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    worker BIGINT NOT NULL,
    status TEXT NOT NULL,
    live BIGINT NOT NULL,
    appended BIGINT NOT NULL,
    shipped BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (edge, epoch, worker)
);

-- `payload` is the record byte for byte; the columns beside it are what queries look for.
CREATE TABLE clicks (
    click_id BYTEA PRIMARY KEY,
    effective_ms BIGINT NOT NULL,
    edge_ms BIGINT NOT NULL,
    ingested_ms BIGINT NOT NULL,
    outcome SMALLINT NOT NULL,
    visitor BYTEA,
    code BIGINT NOT NULL,
    placement BIGINT NOT NULL,
    target BIGINT NOT NULL,
    payload BYTEA NOT NULL
);
-- "The clicks of these visitors that may earn, by time": outcome 15 is `attributed`.
CREATE INDEX clicks_visitor ON clicks (visitor, effective_ms) WHERE outcome = 15;

-- The same key came with other bytes: the second bytes are kept here, the first stay where they are.
CREATE TABLE quarantine (
    click_id BYTEA NOT NULL,
    edge_ms BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    reason TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (click_id, payload)
);

-- A frame that this program cannot read, kept for one that can.
CREATE TABLE dead_letters (
    click_id BYTEA PRIMARY KEY,
    edge_ms BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    reason TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);

-- Numbers that an edge says it can never deliver (half-open).
CREATE TABLE lost_ranges (
    edge BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    worker BIGINT NOT NULL,
    from_sequence BIGINT NOT NULL,
    to_sequence BIGINT NOT NULL,
    reported_at BIGINT NOT NULL,
    PRIMARY KEY (edge, epoch, worker, from_sequence)
);

-- Who a visitor was at a time: joined at login or by a token on an order.
CREATE TABLE identities (
    visitor BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    platform TEXT NOT NULL,
    buyer TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('visitor_token', 'click_token', 'order')),
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (visitor, at_ms, platform, buyer)
);
CREATE INDEX identities_buyer ON identities (platform, buyer, at_ms);
