-- The order of clicks by visitor carries what the rules read of a click, so that a visitor's clicks are neighbours and
-- none of them is looked up by its id. `head` is the beginning of the record: outcome, reason and flags.
DROP VIEW earning_clicks;
ALTER TABLE visitor_clicks RENAME TO visitor_click_keys;
CREATE TABLE visitor_clicks (
    run INTEGER NOT NULL,
    visitor BLOB NOT NULL,
    effective_ms INTEGER NOT NULL,
    click_id BLOB NOT NULL,
    edge_ms INTEGER NOT NULL,
    ingested_ms INTEGER NOT NULL,
    code INTEGER NOT NULL,
    placement INTEGER NOT NULL,
    target INTEGER NOT NULL,
    head BLOB, -- null where the record is empty: none is, and one that were must not stop the others
    PRIMARY KEY (run, visitor, effective_ms, click_id)
) STRICT, WITHOUT ROWID;
-- Read in the order in which it is written: nothing is sorted. CROSS JOIN keeps SQLite to the order of the tables.
INSERT INTO visitor_clicks
    SELECT v.run, v.visitor, v.effective_ms, v.click_id, c.edge_ms, c.ingested_ms, c.code, c.placement, c.target,
    substr(c.payload, 1, 6)
    FROM visitor_click_keys v CROSS JOIN clicks c ON c.click_id = v.click_id;
DROP TABLE visitor_click_keys;

-- The clicks are the evidence, and what is in the runs says the same: whoever deletes a click deletes both, and none is
-- changed.
CREATE TRIGGER clicks_deleted AFTER DELETE ON clicks BEGIN
    DELETE FROM visitor_clicks WHERE run IN (SELECT run FROM visitor_runs)
        AND visitor = OLD.visitor AND effective_ms = OLD.effective_ms AND click_id = OLD.click_id;
END;
CREATE TRIGGER clicks_changed BEFORE UPDATE ON clicks BEGIN
    SELECT RAISE(ABORT, 'a click is evidence and is never changed');
END;

-- As before: complete at any time. Each run is asked for the visitor, and the clicks that are in none are looked through.
CREATE VIEW earning_clicks AS
    SELECT v.visitor, v.effective_ms, v.click_id, v.edge_ms, v.ingested_ms, v.code, v.placement, v.target, v.head
    FROM visitor_runs r CROSS JOIN visitor_clicks v ON v.run = r.run
    UNION ALL
    SELECT c.visitor, c.effective_ms, c.click_id, c.edge_ms, c.ingested_ms, c.code, c.placement, c.target,
    substr(c.payload, 1, 6)
    FROM unindexed_clicks u CROSS JOIN clicks c NOT INDEXED ON c.click_id BETWEEN u.first AND u.last
    WHERE c.outcome = 15 AND c.visitor IS NOT NULL;
