-- Webhooks out: who wants to hear what, what there is to tell, and how telling it went.

-- The owner is `merchant/ID`, `promoter/ID` or `agency/ID`. The secret must be readable: we sign with it. During a
-- rotation we sign with both until `previous_until_ms`.
CREATE TABLE webhook_endpoints (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    url TEXT NOT NULL,
    label TEXT NOT NULL,
    events TEXT NOT NULL, -- JSON array of event types; empty means all
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_until_ms INTEGER,
    created_ms INTEGER NOT NULL,
    -- Nothing has been taken since then; null after every success.
    failing_since_ms INTEGER,
    disabled_ms INTEGER,
    disabled_reason TEXT,
    removed_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_endpoints_of_owner ON webhook_endpoints (owner, id);

-- The outbox: written in the transaction of what it tells of.
CREATE TABLE webhook_events (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    payload TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_events_age ON webhook_events (at_ms);

-- One event for one endpoint. Whoever delivers it holds the lease; a lease that has run out is anybody's.
CREATE TABLE webhook_deliveries (
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts INTEGER NOT NULL,
    next_ms INTEGER NOT NULL,
    lease_until_ms INTEGER NOT NULL,
    leased_by TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    finished_ms INTEGER,
    PRIMARY KEY (endpoint, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint, next_ms) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (endpoint, created_ms, event);
CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (event);

-- Every attempt, with what the endpoint said (its first bytes).
CREATE TABLE webhook_attempts (
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    number INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    answer TEXT,
    PRIMARY KEY (endpoint, event, number)
) STRICT, WITHOUT ROWID;

-- How far expired links have been told: one row.
CREATE TABLE webhook_expiry (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    second INTEGER NOT NULL,
    code INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO webhook_expiry (one, second, code) VALUES (1, 0, 0);
CREATE INDEX webhook_links_expiry ON links (expires, code) WHERE expires > 0;
