-- Bans that promoters with links to goods of the category are still to be told of.
CREATE TABLE ban_notices (
    category BIGINT NOT NULL,
    programme BIGINT NOT NULL, -- 0: in all of them
    from_ms BIGINT NOT NULL,
    after_promoter BIGINT NOT NULL,
    PRIMARY KEY (category, programme)
);
