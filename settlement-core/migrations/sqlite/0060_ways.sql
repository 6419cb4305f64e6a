-- Ways to rows that were found by reading all of them.

-- All order lines, newest first.
CREATE INDEX order_lines_newest ON order_lines (created_ms DESC, order_id, platform, line_id);
-- A merchant's lines that wait to be settled, those under review too.
CREATE INDEX order_lines_matured_of_merchant ON order_lines (merchant, matured_ms, platform, order_id, line_id)
    WHERE state = 'matured';
-- What all plans say of the products of one block.
CREATE INDEX library_columns_of_block ON library_columns (block);
