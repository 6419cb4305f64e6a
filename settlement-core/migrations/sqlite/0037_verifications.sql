-- Which promoters' memberships are verified, where that is kept here. Who has no row is vouched for by the platform.
CREATE TABLE promoter_verifications (
    promoter TEXT NOT NULL PRIMARY KEY,
    member INTEGER NOT NULL,
    recorded_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
