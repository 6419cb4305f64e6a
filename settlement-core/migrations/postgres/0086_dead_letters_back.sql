-- Dead letters that were put back among the clicks: why they had been set aside, when, and who put them back.
CREATE TABLE dead_letters_back (
    click_id BYTEA NOT NULL PRIMARY KEY,
    edge_ms BIGINT NOT NULL,
    reason TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    back_by TEXT NOT NULL,
    back_ms BIGINT NOT NULL
);
CREATE INDEX dead_letters_back_newest ON dead_letters_back (back_ms, click_id);
