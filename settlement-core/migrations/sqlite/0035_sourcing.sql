-- Goods sourced for channels outside the platform (站外分销): SKUs, what gates ask about, and enrolments.

-- The market's SKUs. A deleted one stays on record.
CREATE TABLE skus (
    product TEXT NOT NULL,
    sku TEXT NOT NULL,
    price_fen INTEGER NOT NULL, -- the market's list price
    stock INTEGER NOT NULL,
    low30_fen INTEGER, -- the lowest deal of 30 days as the platform reports it, for deals that are not told here
    updated_ms INTEGER NOT NULL,
    deleted_ms INTEGER,
    PRIMARY KEY (product, sku)
) STRICT, WITHOUT ROWID;

-- What one piece of a SKU was sold for, by order line: from these the 30-day low is found.
CREATE TABLE sku_deals (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    product TEXT NOT NULL,
    sku TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    price_fen INTEGER NOT NULL,
    channel INTEGER NOT NULL, -- sold through a channel: its private price does not count
    PRIMARY KEY (platform, order_id, line_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sku_deals_of_sku ON sku_deals (product, sku, at_ms) WHERE channel = 0;

-- What the platform says of a merchant or product, as JSON: scores and promises.
CREATE TABLE sourcing_facts (
    kind TEXT NOT NULL, -- merchant, product
    id TEXT NOT NULL,
    facts TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE enrolments (
    id TEXT NOT NULL PRIMARY KEY,
    programme TEXT NOT NULL,
    programme_version INTEGER NOT NULL,
    merchant TEXT NOT NULL,
    product TEXT NOT NULL,
    state TEXT NOT NULL, -- refused (by the gates), auditing, approved, rejected (by the audit), exited
    refusals TEXT NOT NULL, -- JSON: why the gates refused it
    submitted_ms INTEGER NOT NULL,
    audit TEXT, -- JSON: by which days the audit is through, and by which calendar
    decided_ms INTEGER,
    reason TEXT,
    exited_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX enrolments_of_merchant ON enrolments (merchant, submitted_ms);
-- A product takes part once at a time.
CREATE UNIQUE INDEX enrolments_open ON enrolments (programme, product) WHERE state IN ('auditing', 'approved');

CREATE TABLE enrolment_skus (
    enrolment TEXT NOT NULL,
    sku TEXT NOT NULL,
    offer TEXT NOT NULL, -- JSON: the prices, the 30-day low and the stock it was judged by
    refusals TEXT NOT NULL, -- JSON; empty if it takes part
    needs_review INTEGER NOT NULL, -- there was no deal to compare its price with
    PRIMARY KEY (enrolment, sku)
) STRICT, WITHOUT ROWID;
