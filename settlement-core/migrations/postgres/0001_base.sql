-- What every other table leans on: counters, who may call the API, and answers kept for repeated requests.

-- Small numbers are handed out here, in the transaction that uses them. The row 'change' is the locked counter that
-- makes catalogue changes visible in the order of their numbers.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES
    ('change', 0), ('target', 0), ('placement', 0), ('programme', 0), ('promoter', 0), ('category', 0);

-- Only a hash of a token is kept. The subject is whose data the token may touch (a merchant, promoter, agency or edge).
CREATE TABLE api_tokens (
    token_hash BYTEA PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'merchant', 'promoter', 'agency', 'edge')),
    subject TEXT,
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- The answer to a write, kept in the same transaction as the write.
CREATE TABLE idempotency_keys (
    principal TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash BYTEA NOT NULL,
    status BIGINT NOT NULL,
    response TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (principal, method, path, idempotency_key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
