-- The library's own index: which products hold which grams (one and two characters), and by what they are sorted. It is
-- made from the catalogue and can be made anew at any time. What the index says of a product stands in `library_docs`.

CREATE TABLE library_docs (
    target BIGINT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL, -- folded, as it is searched
    shop TEXT NOT NULL,
    merchant TEXT NOT NULL,
    category BIGINT,
    dead BIGINT NOT NULL
);

-- The products with a term, by the upper part of their number: each block holds up to 65536 of them.
CREATE TABLE library_blocks (
    term TEXT NOT NULL,
    block BIGINT NOT NULL,
    docs BYTEA NOT NULL,
    PRIMARY KEY (term, block)
);

-- Rate and estimate of 4096 products each: of the general plan (plan is empty), and of each targeted plan what it changes.
CREATE TABLE library_columns (
    plan TEXT NOT NULL,
    block BIGINT NOT NULL,
    rates BYTEA NOT NULL,
    estimates BYTEA NOT NULL,
    PRIMARY KEY (plan, block)
);

-- Products that have changed since the index took them in. `mark` is another number at every change.
CREATE TABLE library_marks (
    target BIGINT NOT NULL PRIMARY KEY,
    mark BIGINT NOT NULL
);

-- What concerns many products at once, and how far it has been turned into marks.
CREATE TABLE library_stale (
    kind TEXT NOT NULL CHECK (kind IN ('merchant', 'category', 'all')),
    id TEXT NOT NULL,
    after_target BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);

-- Up to when time has been looked at: rates, plans, rules and withdrawals begin and end by themselves.
CREATE TABLE library_state (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    looked_at BIGINT NOT NULL
);
INSERT INTO library_state (one, looked_at) VALUES (1, 0);
INSERT INTO library_stale (kind, id, after_target) VALUES ('all', '', 0);

CREATE INDEX rates_begin ON rates (from_ms);
CREATE INDEX rates_end ON rates (to_ms) WHERE to_ms IS NOT NULL;
CREATE INDEX targets_cancelled ON targets (cancelled_from) WHERE cancelled_from IS NOT NULL;
CREATE INDEX targets_delisted ON targets (delisted_from) WHERE delisted_from IS NOT NULL;
CREATE INDEX targets_of_category ON targets (category, num) WHERE category IS NOT NULL;

-- They are small numbers in order: packing them again costs more than it saves.
ALTER TABLE library_blocks ALTER COLUMN docs SET STORAGE EXTERNAL;
ALTER TABLE library_columns ALTER COLUMN rates SET STORAGE EXTERNAL;
ALTER TABLE library_columns ALTER COLUMN estimates SET STORAGE EXTERNAL;
