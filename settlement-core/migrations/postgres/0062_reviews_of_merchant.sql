-- Whose order a finding is about: also of an order that was never taken in, because its event was refused.
ALTER TABLE order_reviews ADD COLUMN merchant TEXT;
UPDATE order_reviews SET merchant = (SELECT o.merchant FROM orders o
    WHERE o.order_id = order_reviews.order_id AND o.platform = order_reviews.platform);
UPDATE order_reviews SET merchant = (contents::json ->> 'merchant')
    WHERE merchant IS NULL AND contents IS NOT NULL AND contents LIKE '{%'
    AND EXISTS (SELECT 1 FROM merchants m WHERE m.id = (contents::json ->> 'merchant')
        AND m.platform = order_reviews.platform);

-- Pages of the queue: by when a finding was opened, and by its key.
DROP INDEX order_reviews_open;
CREATE INDEX order_reviews_open ON order_reviews (opened_ms, platform, order_id, reason, line_id, found)
    WHERE resolved_ms IS NULL;
CREATE INDEX order_reviews_open_of_merchant
    ON order_reviews (merchant, opened_ms, platform, order_id, reason, line_id, found) WHERE resolved_ms IS NULL;
