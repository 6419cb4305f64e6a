-- Who told of a login: a merchant's word counts for its own orders and customers alone. Empty: the operator's, which counts
-- for all shops, as do those that were noted before.
ALTER TABLE identities ADD COLUMN told_by TEXT NOT NULL DEFAULT '';
ALTER TABLE identities DROP CONSTRAINT identities_pkey;
ALTER TABLE identities ADD PRIMARY KEY (visitor, at_ms, platform, buyer, told_by);
