-- Order intake: shops and platforms that send us their notifications, and what came of each.

-- The secret is what the sender signs with; it must be readable to check a signature. During a rotation the former
-- one is good until `previous_until_ms`.
CREATE TABLE intake_sources (
    id TEXT NOT NULL PRIMARY KEY,
    merchant TEXT NOT NULL REFERENCES merchants (id),
    kind TEXT NOT NULL CHECK (kind IN ('standard', 'youzan', 'shopify')),
    label TEXT NOT NULL,
    settings TEXT NOT NULL, -- JSON
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_until_ms INTEGER,
    created_ms INTEGER NOT NULL,
    removed_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX intake_sources_of_merchant ON intake_sources (merchant, id);

-- The answer to a delivery, kept in the transaction of what it changed: the same delivery again gets it again. The
-- body is kept only where nothing was taken in, for a person to look at.
CREATE TABLE intake_deliveries (
    source TEXT NOT NULL,
    delivery TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    topic TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT,
    status INTEGER NOT NULL,
    answer TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    body TEXT,
    PRIMARY KEY (source, delivery)
) STRICT, WITHOUT ROWID;
CREATE INDEX intake_deliveries_by_time ON intake_deliveries (source, received_ms, delivery);
CREATE INDEX intake_deliveries_age ON intake_deliveries (received_ms);
