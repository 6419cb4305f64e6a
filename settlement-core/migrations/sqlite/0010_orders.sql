-- Orders: what platforms reported, how each order stands, and every attribution decision ever made.

-- Every accepted event, once. Its contents are never changed.
CREATE TABLE order_events (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    refund_id TEXT NOT NULL, -- empty for all kinds but `refunded`
    at_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    contents TEXT NOT NULL,
    -- The merchant whose token sent it; null for the operator. Another merchant's word on an order does not count.
    sender TEXT,
    PRIMARY KEY (platform, order_id, kind, refund_id)
) STRICT, WITHOUT ROWID;

-- What a person must look at. `found` tells two findings of one kind apart: repeats do not pile up.
CREATE TABLE order_reviews (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    line_id TEXT NOT NULL, -- empty if it concerns the whole order
    found TEXT NOT NULL,
    detail TEXT NOT NULL,
    contents TEXT, -- the event that was not applied
    opened_ms INTEGER NOT NULL,
    resolved_ms INTEGER,
    resolution TEXT,
    PRIMARY KEY (platform, order_id, reason, line_id, found)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_reviews_open ON order_reviews (opened_ms) WHERE resolved_ms IS NULL;

-- One row for each order whose `created` has arrived. The order's number leads the key: a key that begins with the
-- platform would tempt a planner without statistics to read all orders of a platform.
CREATE TABLE orders (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    merchant TEXT NOT NULL REFERENCES merchants (id),
    buyer TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    -- When the trade became a success that counts as the buyer's history at the shop.
    success_ms INTEGER,
    -- New facts wait to be judged.
    dirty INTEGER NOT NULL,
    -- Some line may still change its owner.
    provisional INTEGER NOT NULL,
    -- When the first provisional line becomes final: after its grace if all edges had delivered what they recorded
    -- before the order, else at the end of the hold.
    grace_until_ms INTEGER NOT NULL,
    hold_until_ms INTEGER NOT NULL,
    -- When all edges were first seen to have delivered.
    caught_up_ms INTEGER,
    -- When a shipped order completes by itself, unless its completion comes first.
    timer_ms INTEGER,
    PRIMARY KEY (order_id, platform)
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_of_buyer ON orders (buyer, platform, merchant, created_ms);
CREATE INDEX orders_dirty ON orders (platform, order_id) WHERE dirty = 1;
CREATE INDEX orders_provisional ON orders (grace_until_ms) WHERE provisional = 1;
CREATE INDEX orders_held ON orders (hold_until_ms) WHERE provisional = 1 AND caught_up_ms IS NULL;
CREATE INDEX orders_waiting_for_edges ON orders (created_ms) WHERE provisional = 1 AND caught_up_ms IS NULL;
CREATE INDEX orders_timer ON orders (timer_ms) WHERE timer_ms IS NOT NULL;

CREATE TABLE order_lines (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    product TEXT NOT NULL,
    merchant TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    -- The number of the decision in force; null before the first, and where the shop has no programme.
    decision INTEGER,
    promoter TEXT,
    programme TEXT,
    programme_version INTEGER,
    -- No new fact may change the owner from here on.
    final_ms INTEGER,
    -- tracked, expected, matured, settled, invalid, manual_required; none if nobody earns.
    state TEXT NOT NULL,
    -- A person must look before money moves; and has.
    review INTEGER NOT NULL,
    review_passed INTEGER NOT NULL,
    -- The base, the whole commission, and what of it the promoter sees as theirs.
    base_fen INTEGER NOT NULL,
    commission_fen INTEGER NOT NULL,
    promoter_fen INTEGER NOT NULL,
    matured_ms INTEGER,
    settled_ms INTEGER,
    -- The rules' own state of the line in the ledger, JSON.
    books TEXT,
    PRIMARY KEY (order_id, platform, line_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_lines_to_settle ON order_lines (merchant, matured_ms) WHERE state = 'matured' AND review = 0;
CREATE INDEX order_lines_of_product ON order_lines (product, platform);
CREATE INDEX order_lines_of_promoter ON order_lines (promoter, created_ms);

-- Click tokens that came with an order.
CREATE TABLE order_tokens (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    click_id BLOB NOT NULL,
    visitor BLOB,
    code INTEGER NOT NULL,
    placement INTEGER NOT NULL,
    target INTEGER NOT NULL,
    clicked_ms INTEGER NOT NULL,
    token TEXT NOT NULL,
    PRIMARY KEY (platform, order_id, click_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_tokens_of_click ON order_tokens (click_id);

-- Every decision ever made about a line; the newest is in force. Nothing here is ever changed.
CREATE TABLE order_decisions (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    number INTEGER NOT NULL, -- 1, 2, ...: each supersedes the one before
    made_ms INTEGER NOT NULL,
    cause TEXT NOT NULL,
    promoter TEXT,
    programme TEXT,
    programme_version INTEGER,
    outcome TEXT NOT NULL, -- award, or the code of the reason why there is none
    -- JSON: the decision as the rules made it, and what they said for other programmes.
    attribution TEXT NOT NULL,
    PRIMARY KEY (platform, order_id, line_id, number)
) STRICT, WITHOUT ROWID;

-- How far the clicks of each stream have been looked at for orders they came too late for.
CREATE TABLE judged_streams (
    edge INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    worker INTEGER NOT NULL,
    next_sequence INTEGER NOT NULL,
    PRIMARY KEY (edge, epoch, worker)
) STRICT, WITHOUT ROWID;

-- Attributed clicks by promoter and civil day in Asia/Shanghai (counted from 1970-01-01): reports read this and never
-- the clicks themselves. Moves in one transaction with `judged_streams`.
CREATE TABLE promoter_days (
    promoter INTEGER NOT NULL,
    day INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    PRIMARY KEY (promoter, day)
) STRICT, WITHOUT ROWID;
