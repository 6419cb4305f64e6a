-- The clicks of a visitor are found through a table of their own, which is filled a little after the clicks: kept by
-- the insert itself, this order costs more than everything else about a click. `unindexed_clicks` names the clicks that
-- wait (runs of successive numbers, `first` and `last` included), written in the transaction that inserts them.
DROP INDEX clicks_visitor;
CREATE TABLE visitor_clicks (
    visitor BLOB NOT NULL,
    effective_ms INTEGER NOT NULL,
    click_id BLOB NOT NULL,
    PRIMARY KEY (visitor, effective_ms, click_id)
) STRICT, WITHOUT ROWID;
INSERT INTO visitor_clicks (visitor, effective_ms, click_id)
    SELECT visitor, effective_ms, click_id FROM clicks WHERE outcome = 15 AND visitor IS NOT NULL
    ORDER BY visitor, effective_ms, click_id;
CREATE TABLE unindexed_clicks (
    last BLOB NOT NULL PRIMARY KEY,
    first BLOB NOT NULL,
    clicks INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- "The clicks that may earn", for questions by visitor: complete at any time. Outcome 15 is `attributed`. NOT INDEXED
-- forbids an index made for one question, which would read all clicks there ever were; the key is used all the same.
CREATE VIEW earning_clicks AS
    SELECT v.visitor, v.effective_ms, v.click_id, c.edge_ms, c.ingested_ms, c.code, c.placement, c.target, c.payload
    FROM visitor_clicks v CROSS JOIN clicks c ON c.click_id = v.click_id
    UNION ALL
    SELECT c.visitor, c.effective_ms, c.click_id, c.edge_ms, c.ingested_ms, c.code, c.placement, c.target, c.payload
    FROM unindexed_clicks u CROSS JOIN clicks c NOT INDEXED ON c.click_id BETWEEN u.first AND u.last
    WHERE c.outcome = 15 AND c.visitor IS NOT NULL;
