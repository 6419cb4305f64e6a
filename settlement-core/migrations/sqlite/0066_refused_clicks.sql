-- Clicks of known visitors that an edge refused: whoever asks why an order is nobody's finds them here. Outcome 15 is
-- `attributed`. They are few: most of what is refused has no visitor.
CREATE INDEX clicks_refused ON clicks (visitor, effective_ms) WHERE outcome <> 15 AND visitor IS NOT NULL;
CREATE VIEW refused_clicks AS
    SELECT visitor, effective_ms, click_id, edge_ms, ingested_ms, code, placement, target, substr(payload, 1, 6) AS head
    FROM clicks WHERE outcome <> 15 AND visitor IS NOT NULL;
