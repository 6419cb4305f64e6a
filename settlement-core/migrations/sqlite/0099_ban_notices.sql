-- Bans that promoters with links to goods of the category are still to be told of.
CREATE TABLE ban_notices (
    category INTEGER NOT NULL,
    programme INTEGER NOT NULL, -- 0: in all of them
    from_ms INTEGER NOT NULL,
    after_promoter INTEGER NOT NULL,
    PRIMARY KEY (category, programme)
) STRICT, WITHOUT ROWID;
