-- Refund records after the settlement (维权退款订单), what came back on them, and what the platform made up for.
CREATE TABLE disputes (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    refund_id TEXT NOT NULL,
    merchant TEXT NOT NULL,
    programme TEXT NOT NULL,
    programme_version INTEGER NOT NULL,
    payee TEXT NOT NULL, -- promoter/ID; empty if nobody
    route TEXT NOT NULL, -- real_time, batch, no_record
    rule TEXT NOT NULL, -- the batch rule's name, or empty
    -- waiting (for its batch), no_record, created, recovering, success, compensated, rules_broken
    state TEXT NOT NULL,
    due_fen INTEGER NOT NULL, -- the commission on what was refunded
    recovered_fen INTEGER NOT NULL,
    compensated_fen INTEGER,
    merchant_broke_rules INTEGER NOT NULL,
    source_refund_ms INTEGER NOT NULL, -- when the refund succeeded
    record_ms INTEGER, -- the record's own time, once it is made
    created_ms INTEGER, -- the same, since it is made
    compensate_ms INTEGER, -- when the platform makes up for what is missing
    closed_ms INTEGER,
    noted_ms INTEGER NOT NULL,
    PRIMARY KEY (platform, order_id, line_id, refund_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX disputes_waiting ON disputes (record_ms) WHERE state = 'waiting';
CREATE INDEX disputes_to_compensate ON disputes (compensate_ms) WHERE closed_ms IS NULL AND compensate_ms IS NOT NULL;

CREATE TABLE dispute_recoveries (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    refund_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    amount_fen INTEGER NOT NULL,
    goes_to TEXT NOT NULL, -- merchant, platform
    PRIMARY KEY (platform, order_id, line_id, refund_id, reference)
) STRICT, WITHOUT ROWID;
