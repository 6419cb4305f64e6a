-- Who signs in to the console: accounts with passwords, sessions, and attempts that failed.

-- The password is kept as an argon2id string in the PHC format. The subject is whose data the account may touch.
CREATE TABLE accounts (
    num INTEGER PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'merchant', 'promoter', 'agency')),
    subject TEXT,
    password TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    password_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;
INSERT INTO counters (name, value) VALUES ('account', 0);

-- Only a hash of a session's secret is kept. It belongs to an account, or to an API token that somebody signed in with.
CREATE TABLE sessions (
    secret_hash BLOB NOT NULL PRIMARY KEY,
    account INTEGER REFERENCES accounts (num),
    api_token BLOB,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    CHECK ((account IS NULL) <> (api_token IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_account ON sessions (account);
CREATE INDEX sessions_age ON sessions (created_at);

-- Attempts within one window, by a hash of the name that was tried or of the truncated address they came from.
CREATE TABLE sign_in_attempts (
    who BLOB NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_attempts_age ON sign_in_attempts (since);

-- What an operator may switch. A name that is not here has its default.
CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
