-- How an order was or will be paid, if that is known: what is paid in an excluded way neither ends nor prolongs a relation.
ALTER TABLE orders ADD COLUMN payment_method TEXT;
UPDATE orders SET payment_method = COALESCE(
    (SELECT MAX(json_extract(e.contents, '$.payment_method')) FROM order_events e
        WHERE e.platform = orders.platform AND e.order_id = orders.order_id
        AND e.kind = 'paid' AND (e.sender = '' OR e.sender = orders.merchant)),
    (SELECT MAX(json_extract(e.contents, '$.payment_method')) FROM order_events e
        WHERE e.platform = orders.platform AND e.order_id = orders.order_id
        AND e.kind = 'created'));
