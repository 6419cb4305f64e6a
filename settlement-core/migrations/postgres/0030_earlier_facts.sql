-- What the catalogue said before it was changed, for asking what a decision could see when it was made. The tables hold
-- what is known now; here stands, for each change, what was known until then. A row that never changed has none.
CREATE TABLE earlier_facts (
    kind TEXT NOT NULL, -- periods, contracts, accounts, category, parent, coupons
    subject TEXT NOT NULL,
    until_ms BIGINT NOT NULL, -- it was known so before this instant
    contents TEXT NOT NULL, -- JSON
    PRIMARY KEY (kind, subject, until_ms)
);
