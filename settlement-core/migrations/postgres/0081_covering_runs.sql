-- The same columns as on SQLite: of the record only its beginning (outcome, reason and flags), which is all that questions
-- by visitor read of it.
DROP VIEW earning_clicks;
CREATE VIEW earning_clicks AS
    SELECT visitor, effective_ms, click_id, edge_ms, ingested_ms, code, placement, target, substr(payload, 1, 6) AS head
    FROM clicks WHERE outcome = 15 AND visitor IS NOT NULL;
