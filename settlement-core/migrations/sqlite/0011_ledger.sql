-- The ledger: append-only. No row of `ledger_transfers` or `ledger_entries` is ever changed or deleted.

CREATE TABLE ledger_transfers (
    id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL, -- pending, posted, void
    reason TEXT NOT NULL, -- expected, settled, clawback, superseded, top_up
    -- The pending transfer that this one posts or voids: each is resolved at most once.
    resolves TEXT UNIQUE,
    -- The posted transfer that this one counters.
    counters TEXT,
    platform TEXT,
    order_id TEXT,
    line_id TEXT,
    at_ms INTEGER NOT NULL, -- business time
    recorded_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_transfers_of_line ON ledger_transfers (platform, order_id, line_id);

CREATE TABLE ledger_entries (
    transfer TEXT NOT NULL,
    position INTEGER NOT NULL,
    layer TEXT NOT NULL, -- pending, posted
    account TEXT NOT NULL, -- merchant, platform, outside, earned, available, clearing
    owner TEXT NOT NULL,
    programme TEXT NOT NULL, -- empty for accounts that are not per programme
    amount_fen INTEGER NOT NULL,
    PRIMARY KEY (transfer, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_entries_of_account ON ledger_entries (account, owner, programme);

-- The posted balance of each account: a cache of the entries, moved with them and compared by the audit.
CREATE TABLE ledger_balances (
    account TEXT NOT NULL,
    owner TEXT NOT NULL,
    programme TEXT NOT NULL,
    balance_fen INTEGER NOT NULL,
    PRIMARY KEY (account, owner, programme)
) STRICT, WITHOUT ROWID;
