-- The sender becomes part of what makes an event the same: before an order's `created` nobody knows whose word counts,
-- so events of several senders may wait under one number. Empty for the operator.
CREATE TABLE order_events_by_sender (
    platform TEXT NOT NULL,
    order_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    refund_id TEXT NOT NULL, -- empty for all kinds but `refunded`
    at_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    contents TEXT NOT NULL,
    -- The merchant whose token sent it; empty for the operator.
    sender TEXT NOT NULL,
    PRIMARY KEY (platform, order_id, kind, refund_id, sender)
) STRICT, WITHOUT ROWID;
INSERT INTO order_events_by_sender (platform, order_id, kind, refund_id, at_ms, received_ms, contents, sender)
    SELECT platform, order_id, kind, refund_id, at_ms, received_ms, contents, COALESCE(sender, '') FROM order_events;
DROP TABLE order_events;
ALTER TABLE order_events_by_sender RENAME TO order_events;
