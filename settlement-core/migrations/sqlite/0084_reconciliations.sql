-- What each of the platforms' statements was compared with our books, and what differed then.
CREATE TABLE reconciliations (
    number INTEGER NOT NULL PRIMARY KEY,
    platform TEXT NOT NULL,
    programme TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    states TEXT NOT NULL, -- whose names the statement had for states
    lines INTEGER NOT NULL,
    agree INTEGER NOT NULL,
    missing_here INTEGER NOT NULL,
    missing_there INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    state INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    made_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reconciliation_differences (
    reconciliation INTEGER NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('missing_here', 'missing_there', 'amount', 'state')),
    order_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    ours_fen INTEGER,
    theirs_fen INTEGER,
    ours_state TEXT,
    theirs_state TEXT,
    PRIMARY KEY (reconciliation, number)
) STRICT, WITHOUT ROWID;
