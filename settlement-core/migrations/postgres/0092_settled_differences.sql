-- What people say of the differences that comparisons found: whether one is settled, by whom, and how. Every word is kept.
CREATE TABLE reconciliation_notes (
    reconciliation BIGINT NOT NULL,
    difference BIGINT NOT NULL,
    number BIGINT NOT NULL, -- counts the notes of a difference from 1; the last one holds
    settled BIGINT NOT NULL,
    note TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    PRIMARY KEY (reconciliation, difference, number)
);

-- The last note's word, and how many differences have none that says settled: for lists.
ALTER TABLE reconciliation_differences ADD COLUMN settled BIGINT NOT NULL DEFAULT 0;
ALTER TABLE reconciliations ADD COLUMN unsettled BIGINT NOT NULL DEFAULT 0;
UPDATE reconciliations SET unsettled = missing_here + missing_there + amount + state;
