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
    from_ms INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    marked_at INTEGER NOT NULL,
    PRIMARY KEY (kind, platform, who)
) STRICT, WITHOUT ROWID;
CREATE INDEX holder_outbox_age ON holder_outbox (marked_at);

CREATE TABLE holder_streams (
    edge INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    worker INTEGER NOT NULL,
    next_sequence INTEGER NOT NULL,
    PRIMARY KEY (edge, epoch, worker)
) STRICT, WITHOUT ROWID;

-- One row: which core tells Redis (until when it may), and when any core last wanted to. Nobody for a week: the outbox
-- is emptied, and whoever comes next tells everything.
CREATE TABLE holder_view (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    leader TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    wanted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO holder_view (one, leader, lease_until, wanted_at) VALUES (1, '', 0, 0);

-- A walk over all visitors and then all buyers, and how far it has come: the core's own (`core`) and the command
-- line's (`rebuild`). `server` is the run of Redis that it tells.
CREATE TABLE holder_passes (
    name TEXT NOT NULL PRIMARY KEY,
    server TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('visitors', 'buyers', 'done')),
    visitor BLOB NOT NULL,
    platform TEXT NOT NULL,
    buyer TEXT NOT NULL,
    done INTEGER NOT NULL,
    began_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The version of a decision. Taken first in the transaction that decides, so that versions are in the order of what
-- was known.
INSERT INTO counters (name, value) VALUES ('holders', 0);
