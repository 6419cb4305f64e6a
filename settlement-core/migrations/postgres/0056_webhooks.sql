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
    previous_until_ms BIGINT,
    created_ms BIGINT NOT NULL,
    -- Nothing has been taken since then; null after every success.
    failing_since_ms BIGINT,
    disabled_ms BIGINT,
    disabled_reason TEXT,
    removed_ms BIGINT
);
CREATE INDEX webhook_endpoints_of_owner ON webhook_endpoints (owner, id);

-- The outbox: written in the transaction of what it tells of.
CREATE TABLE webhook_events (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    payload TEXT NOT NULL
);
CREATE INDEX webhook_events_age ON webhook_events (at_ms);

-- One event for one endpoint. Whoever delivers it holds the lease; a lease that has run out is anybody's.
CREATE TABLE webhook_deliveries (
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    leased_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    finished_ms BIGINT,
    PRIMARY KEY (endpoint, event)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint, next_ms) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_time ON webhook_deliveries (endpoint, created_ms, event);
CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (event);

-- Every attempt, with what the endpoint said (its first bytes).
CREATE TABLE webhook_attempts (
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    took_ms BIGINT NOT NULL,
    status BIGINT,
    error TEXT,
    answer TEXT,
    PRIMARY KEY (endpoint, event, number)
);

-- How far expired links have been told: one row.
CREATE TABLE webhook_expiry (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    second BIGINT NOT NULL,
    code BIGINT NOT NULL
);
INSERT INTO webhook_expiry (one, second, code) VALUES (1, 0, 0);
CREATE INDEX webhook_links_expiry ON links (expires, code) WHERE expires > 0;
