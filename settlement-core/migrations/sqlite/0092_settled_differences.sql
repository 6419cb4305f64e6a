-- What people say of the differences that comparisons found: whether one is settled, by whom, and how. Every word is kept.
CREATE TABLE reconciliation_notes (
    reconciliation INTEGER NOT NULL,
    difference INTEGER NOT NULL,
    number INTEGER NOT NULL, -- counts the notes of a difference from 1; the last one holds
    settled INTEGER NOT NULL,
    note TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    PRIMARY KEY (reconciliation, difference, number)
) STRICT, WITHOUT ROWID;

-- The last note's word, and how many differences have none that says settled: for lists.
ALTER TABLE reconciliation_differences ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reconciliations ADD COLUMN unsettled INTEGER NOT NULL DEFAULT 0;
UPDATE reconciliations SET unsettled = missing_here + missing_there + amount + state;
