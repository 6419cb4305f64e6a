-- Every opening of the store begins a history of changes under a random id. A store that was set back to a backup so
-- never gives a number twice in one history: what edges learned from the lost one is recognised and loaded anew.
CREATE TABLE change_histories (
    ordinal BIGINT NOT NULL PRIMARY KEY,
    id BIGINT NOT NULL UNIQUE,
    -- The last change number given before it began.
    begins_after BIGINT NOT NULL,
    began_at BIGINT NOT NULL
);

-- The history in which an edge's `applied` counts.
ALTER TABLE edges ADD COLUMN history BIGINT;
