-- A payout account whose holder was checked and refused: it is bound no more, and its payee reads why.
ALTER TABLE payout_accounts ADD COLUMN refused_ms BIGINT;
ALTER TABLE payout_accounts ADD COLUMN refusal TEXT;
-- Those that wait for the check, the longest first.
CREATE INDEX payout_accounts_to_check ON payout_accounts (from_ms, payee) WHERE to_ms IS NULL AND verified_ms IS NULL;
