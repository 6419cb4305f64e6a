-- Refund records after the settlement (维权退款订单), what came back on them, and what the platform made up for.
CREATE TABLE disputes (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    refund_id TEXT NOT NULL,
    merchant TEXT NOT NULL,
    programme TEXT NOT NULL,
    programme_version BIGINT NOT NULL,
    payee TEXT NOT NULL, -- promoter/ID; empty if nobody
    route TEXT NOT NULL, -- real_time, batch, no_record
    rule TEXT NOT NULL, -- the batch rule's name, or empty
    -- waiting (for its batch), no_record, created, recovering, success, compensated, rules_broken
    state TEXT NOT NULL,
    due_fen BIGINT NOT NULL, -- the commission on what was refunded
    recovered_fen BIGINT NOT NULL,
    compensated_fen BIGINT,
    merchant_broke_rules BIGINT NOT NULL,
    source_refund_ms BIGINT NOT NULL, -- when the refund succeeded
    record_ms BIGINT, -- the record's own time, once it is made
    created_ms BIGINT, -- the same, since it is made
    compensate_ms BIGINT, -- when the platform makes up for what is missing
    closed_ms BIGINT,
    noted_ms BIGINT NOT NULL,
    PRIMARY KEY (platform, order_id, line_id, refund_id)
);
CREATE INDEX disputes_waiting ON disputes (record_ms) WHERE state = 'waiting';
CREATE INDEX disputes_to_compensate ON disputes (compensate_ms) WHERE closed_ms IS NULL AND compensate_ms IS NOT NULL;

CREATE TABLE dispute_recoveries (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    refund_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL,
    goes_to TEXT NOT NULL, -- merchant, platform
    PRIMARY KEY (platform, order_id, line_id, refund_id, reference)
);
