-- What Redis still has to be told about who holds whom. The clicks themselves are their own outbox: `holder_streams`
-- says how far each stream has been told. Everything else that changes an answer leaves a row in `holder_outbox`, in
-- the transaction that changes it.

-- kind `visitor` (who: the id in hexadecimal) and `buyer`: look at this one again. kind `since`: the past has changed
-- from `from_ms` on. kind `all`: rules have changed. `mark` is another number at every change, so that whoever has
-- worked on an older one does not take the newer one away.
CREATE TABLE holder_outbox (
    kind TEXT NOT NULL CHECK (kind IN ('visitor', 'buyer', 'since', 'all')),
    platform TEXT NOT NULL,
    who TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    mark BIGINT NOT NULL,
    marked_at BIGINT NOT NULL,
    PRIMARY KEY (kind, platform, who)
);
CREATE INDEX holder_outbox_age ON holder_outbox (marked_at);

CREATE TABLE holder_streams (
    edge BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    worker BIGINT NOT NULL,
    next_sequence BIGINT NOT NULL,
    PRIMARY KEY (edge, epoch, worker)
);

-- One row: which core tells Redis (until when it may), and when any core last wanted to. Nobody for a week: the outbox
-- is emptied, and whoever comes next tells everything.
CREATE TABLE holder_view (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    leader TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    wanted_at BIGINT NOT NULL
);
INSERT INTO holder_view (one, leader, lease_until, wanted_at) VALUES (1, '', 0, 0);

-- A walk over all visitors and then all buyers, and how far it has come: the core's own (`core`) and the command
-- line's (`rebuild`). `server` is the run of Redis that it tells.
CREATE TABLE holder_passes (
    name TEXT NOT NULL PRIMARY KEY,
    server TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('visitors', 'buyers', 'done')),
    visitor BYTEA NOT NULL,
    platform TEXT NOT NULL,
    buyer TEXT NOT NULL,
    done BIGINT NOT NULL,
    began_at BIGINT NOT NULL
);

-- The version of a decision. Taken first in the transaction that decides, so that versions are in the order of what
-- was known.
INSERT INTO counters (name, value) VALUES ('holders', 0);
