-- When an order was last judged. What is told of it afterwards bears a later time of arrival, so that the times alone tell what
-- a judgement has seen.
ALTER TABLE orders ADD COLUMN judged_ms INTEGER;
