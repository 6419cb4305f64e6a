-- As before, and read without a detour. SQLite asks both halves of the view directly only where each column has the same kind in
-- both; `substr` alone has none, and each click was handed on through a routine and looked up among the visitors once more.
DROP VIEW earning_clicks;
CREATE VIEW earning_clicks AS
    SELECT v.visitor, v.effective_ms, v.click_id, v.edge_ms, v.ingested_ms, v.code, v.placement, v.target, v.head
    FROM visitor_runs r CROSS JOIN visitor_clicks v ON v.run = r.run
    UNION ALL
    SELECT c.visitor, c.effective_ms, c.click_id, c.edge_ms, c.ingested_ms, c.code, c.placement, c.target,
    CAST(substr(c.payload, 1, 6) AS BLOB)
    FROM unindexed_clicks u CROSS JOIN clicks c NOT INDEXED ON c.click_id BETWEEN u.first AND u.last
    WHERE c.outcome = 15 AND c.visitor IS NOT NULL;
