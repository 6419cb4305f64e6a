-- What each of the platforms' statements was compared with our books, and what differed then.
CREATE TABLE reconciliations (
    number BIGINT NOT NULL PRIMARY KEY,
    platform TEXT NOT NULL,
    programme TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    to_ms BIGINT NOT NULL,
    states TEXT NOT NULL, -- whose names the statement had for states
    lines BIGINT NOT NULL,
    agree BIGINT NOT NULL,
    missing_here BIGINT NOT NULL,
    missing_there BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    state BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    made_ms BIGINT NOT NULL
);

CREATE TABLE reconciliation_differences (
    reconciliation BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('missing_here', 'missing_there', 'amount', 'state')),
    order_id TEXT NOT NULL,
    line_id TEXT NOT NULL,
    ours_fen BIGINT,
    theirs_fen BIGINT,
    ours_state TEXT,
    theirs_state TEXT,
    PRIMARY KEY (reconciliation, number)
);
