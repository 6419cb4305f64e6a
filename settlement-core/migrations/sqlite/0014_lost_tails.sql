-- What an edge once said it had in its journal and no longer had after a crash: the frames of fast mode that a power cut
-- took, or segments that somebody deleted. `answered` is what it had said of the whole stream before.
CREATE TABLE lost_tails (
    edge INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    worker INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    noted_at INTEGER NOT NULL,
    PRIMARY KEY (edge, epoch, worker)
) STRICT;

-- What must stay the same as long as the store lives, by name.
CREATE TABLE installation (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
