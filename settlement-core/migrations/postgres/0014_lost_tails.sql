-- What an edge once said it had in its journal and no longer had after a crash: the frames of fast mode that a power cut
-- took, or segments that somebody deleted. `answered` is what it had said of the whole stream before.
CREATE TABLE lost_tails (
    edge BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    worker BIGINT NOT NULL,
    frames BIGINT NOT NULL,
    clicks BIGINT NOT NULL,
    answered BIGINT NOT NULL,
    noted_at BIGINT NOT NULL,
    PRIMARY KEY (edge, epoch, worker)
);

-- What must stay the same as long as the store lives, by name.
CREATE TABLE installation (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
