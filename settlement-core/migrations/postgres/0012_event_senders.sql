-- The sender becomes part of what makes an event the same: before an order's `created` nobody knows whose word counts,
-- so events of several senders may wait under one number. Empty for the operator.
UPDATE order_events SET sender = '' WHERE sender IS NULL;
ALTER TABLE order_events ALTER COLUMN sender SET NOT NULL;
ALTER TABLE order_events DROP CONSTRAINT order_events_pkey;
ALTER TABLE order_events ADD PRIMARY KEY (platform, order_id, kind, refund_id, sender);
