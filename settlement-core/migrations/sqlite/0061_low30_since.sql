-- When the platform reported the lowest deal of 30 days: that long later it has no say any more. What was reported before
-- this column was there counts from the SKU's last change.
ALTER TABLE skus ADD COLUMN low30_ms INTEGER;
UPDATE skus SET low30_ms = updated_ms WHERE low30_fen IS NOT NULL;
