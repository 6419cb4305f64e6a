-- Video tasks (V任务): a fixed price that a merchant pays for a talent's video, beside any commission.
CREATE TABLE video_tasks (
    id TEXT NOT NULL PRIMARY KEY,
    programme TEXT NOT NULL,
    merchant TEXT NOT NULL,
    product TEXT, -- what the video is about, if it is one product
    talent TEXT NOT NULL,
    price_fen BIGINT NOT NULL,
    in_event BIGINT NOT NULL, -- belongs to an event in which the fee applies
    state TEXT NOT NULL, -- open, confirmed, cancelled
    created_ms BIGINT NOT NULL,
    closed_ms BIGINT,
    -- What the confirmation paid, by which version of the rules, and to whom.
    programme_version BIGINT,
    agency TEXT,
    fee_fen BIGINT,
    net_fen BIGINT
);
CREATE INDEX video_tasks_of_merchant ON video_tasks (merchant, created_ms);
