-- The order of clicks by visitor is kept in sorted runs. A small run stays in memory while clicks are added to it; full
-- runs are merged into larger ones when there is time, so that the work for a click does not grow with how many there
-- are. A run that `merges_into` another gives its clicks away, the smallest visitors first: each click is in one run.
DROP VIEW earning_clicks;
ALTER TABLE visitor_clicks RENAME TO visitor_clicks_in_one;
CREATE TABLE visitor_runs (
    run INTEGER PRIMARY KEY,
    level INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    merges_into INTEGER
) STRICT;
CREATE TABLE visitor_clicks (
    run INTEGER NOT NULL,
    visitor BLOB NOT NULL,
    effective_ms INTEGER NOT NULL,
    click_id BLOB NOT NULL,
    PRIMARY KEY (run, visitor, effective_ms, click_id)
) STRICT, WITHOUT ROWID;
-- A level's runs have about eight times as many clicks as those of the level below, from 50,000 on.
INSERT INTO visitor_runs (run, level, clicks)
    SELECT 1, CASE WHEN n < 50000 THEN 0 WHEN n < 400000 THEN 1 WHEN n < 3200000 THEN 2 WHEN n < 25600000 THEN 3 ELSE 4 END, n
    FROM (SELECT COUNT(*) AS n FROM visitor_clicks_in_one) WHERE n > 0;
INSERT INTO visitor_clicks (run, visitor, effective_ms, click_id)
    SELECT 1, visitor, effective_ms, click_id FROM visitor_clicks_in_one ORDER BY visitor, effective_ms, click_id;
DROP TABLE visitor_clicks_in_one;

-- As before: complete at any time. Each run is asked for the visitor, and the clicks that are in none are looked through.
CREATE VIEW earning_clicks AS
    SELECT v.visitor, v.effective_ms, v.click_id, c.edge_ms, c.ingested_ms, c.code, c.placement, c.target, c.payload
    FROM visitor_runs r CROSS JOIN visitor_clicks v ON v.run = r.run CROSS JOIN clicks c ON c.click_id = v.click_id
    UNION ALL
    SELECT c.visitor, c.effective_ms, c.click_id, c.edge_ms, c.ingested_ms, c.code, c.placement, c.target, c.payload
    FROM unindexed_clicks u CROSS JOIN clicks c NOT INDEXED ON c.click_id BETWEEN u.first AND u.last
    WHERE c.outcome = 15 AND c.visitor IS NOT NULL;
