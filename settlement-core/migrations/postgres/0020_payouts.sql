-- Paying out: accounts outside, what is owed by month, runs, payouts and withdrawals.

-- Where a payee's money goes. Dated: who was bound when is asked later. Payees are `promoter/ID` or `agency/ID`.
CREATE TABLE payout_accounts (
    payee TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    to_ms BIGINT,
    kind TEXT NOT NULL, -- alipay, company_alipay, bank_card
    account TEXT NOT NULL,
    holder TEXT NOT NULL,
    verified_ms BIGINT,
    recorded_ms BIGINT NOT NULL,
    PRIMARY KEY (payee, from_ms)
);

-- What lies in an `earned` account, by the civil month that decides when it is due, under one version of the rules.
-- Its entries are numbered; all up to `paid_entries` have moved on to `available`. So a payout costs the same for one
-- entry and for a million.
CREATE TABLE payout_buckets (
    programme TEXT NOT NULL,
    payee TEXT NOT NULL,
    version BIGINT NOT NULL,
    month TEXT NOT NULL, -- 2020-07
    entries BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL,
    -- What of the amount the platform collects when it is withdrawn.
    part_fen BIGINT NOT NULL,
    paid_entries BIGINT NOT NULL,
    paid_fen BIGINT NOT NULL,
    paid_part_fen BIGINT NOT NULL,
    PRIMARY KEY (programme, payee, version, month)
);
CREATE INDEX payout_buckets_open ON payout_buckets (programme, payee) WHERE entries > paid_entries;

-- Which transfers a bucket holds.
CREATE TABLE payout_entries (
    transfer TEXT NOT NULL PRIMARY KEY,
    programme TEXT NOT NULL,
    payee TEXT NOT NULL,
    version BIGINT NOT NULL,
    month TEXT NOT NULL,
    number BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL, -- negative: taken back before it was paid out
    collected BIGINT NOT NULL -- the platform's part, which stays with the payee until they withdraw
);
CREATE INDEX payout_entries_of_bucket ON payout_entries (programme, payee, version, month, number);

-- Lifetime totals, on which the platform's part is collected.
CREATE TABLE payout_totals (
    programme TEXT NOT NULL,
    payee TEXT NOT NULL,
    available_fen BIGINT NOT NULL, -- everything that ever became available, counter-entries taken off
    part_fen BIGINT NOT NULL, -- the platform's part of it
    withdrawn_fen BIGINT NOT NULL,
    fee_fen BIGINT NOT NULL, -- collected so far
    sendings BIGINT NOT NULL,
    PRIMARY KEY (programme, payee)
);

-- One run over a programme's payees. `cursor` is the last payee served: a run that was cut off goes on behind it.
CREATE TABLE payout_runs (
    programme TEXT NOT NULL,
    run_day TEXT NOT NULL, -- 2020-09-15
    attempt BIGINT NOT NULL,
    -- JSON: the (version, month) pairs that are due, with the day each was due.
    due TEXT NOT NULL,
    calendar TEXT NOT NULL, -- the version of the calendar the days were computed from
    cursor TEXT NOT NULL,
    payees BIGINT NOT NULL, -- to be served, counted at the start
    served BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL,
    started_ms BIGINT NOT NULL,
    finished_ms BIGINT,
    PRIMARY KEY (programme, run_day, attempt)
);
CREATE INDEX payout_runs_open ON payout_runs (programme) WHERE finished_ms IS NULL;

-- The last payout day that was run by itself, by programme and version of the rules.
CREATE TABLE payout_days (
    programme TEXT NOT NULL,
    version BIGINT NOT NULL,
    day TEXT NOT NULL,
    PRIMARY KEY (programme, version)
);

-- What a run did for one payee, and what was withdrawn.
CREATE TABLE payouts (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL, -- run, withdrawal
    programme TEXT NOT NULL,
    payee TEXT NOT NULL,
    run_day TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    -- available (moved there), clearing (on its way out), paid, returned, carried (nothing was left), failed
    state TEXT NOT NULL,
    reason TEXT,
    entries BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL, -- earned -> available
    gross_fen BIGINT NOT NULL, -- taken from available
    fee_fen BIGINT NOT NULL, -- of it to the platform
    net_fen BIGINT NOT NULL, -- of it on its way out
    account_kind TEXT,
    account TEXT,
    holder TEXT,
    calendar TEXT,
    at_ms BIGINT NOT NULL,
    closed_ms BIGINT
);
CREATE UNIQUE INDEX payouts_key ON payouts (programme, payee, run_day, attempt) WHERE kind = 'run';
CREATE INDEX payouts_of_payee ON payouts (payee, at_ms);
CREATE INDEX payouts_of_day ON payouts (programme, run_day, payee);

-- Which entries of which bucket a payout took.
CREATE TABLE payout_parts (
    payout TEXT NOT NULL,
    version BIGINT NOT NULL,
    month TEXT NOT NULL,
    after_number BIGINT NOT NULL,
    to_number BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL,
    PRIMARY KEY (payout, version, month)
);

-- What operators laid over the official workday calendar: the newest row counts.
CREATE TABLE calendar_overrides (
    number BIGINT NOT NULL PRIMARY KEY,
    contents TEXT NOT NULL, -- JSON
    recorded_ms BIGINT NOT NULL
);
