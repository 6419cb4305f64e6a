-- Notices for promoters: written in the transaction of what happened, or, where many are concerned, by a job from one
-- event that the transaction leaves.

INSERT INTO counters (name, value) VALUES ('notice', 0);

-- What happened to a target, to be told to everybody with a link to it or with it in the selection library.
CREATE TABLE notice_events (
    number BIGINT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL, -- promotion_cancelled, product_delisted, product_back
    target BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    after_promoter BIGINT NOT NULL
);
CREATE INDEX notice_events_due ON notice_events (due_ms);

CREATE TABLE notices (
    promoter BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    subject TEXT NOT NULL, -- the product's id, the link's code, the plan's or the payout's id
    detail TEXT NOT NULL, -- the product's name, the plan's, or a reason
    read_ms BIGINT,
    PRIMARY KEY (promoter, number)
);
CREATE INDEX notices_unread ON notices (promoter) WHERE read_ms IS NULL;
CREATE INDEX selections_of_target ON selections (target, promoter);

-- Up to which second expired links have been told.
CREATE TABLE notice_state (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    links_until BIGINT NOT NULL,
    after_code BIGINT NOT NULL
);
-- Links that expired before there were notices are not told.
INSERT INTO notice_state (one, links_until, after_code) SELECT 1, COALESCE(MAX(expires), 0), COALESCE(MAX(code), 0)
    FROM links WHERE expires <= CAST(EXTRACT(EPOCH FROM now()) AS BIGINT);
CREATE INDEX links_expiring ON links (expires, code) WHERE expires > 0 AND qr_of IS NULL;
