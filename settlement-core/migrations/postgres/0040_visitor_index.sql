-- "The clicks that may earn", for questions by visitor. Here the index `clicks_visitor` answers them: a bulk COPY keeps
-- it at little cost. SQLite has a table beside the clicks under the same name. Outcome 15 is `attributed`.
CREATE VIEW earning_clicks AS
    SELECT visitor, effective_ms, click_id, edge_ms, ingested_ms, code, placement, target, payload
    FROM clicks WHERE outcome = 15 AND visitor IS NOT NULL;
