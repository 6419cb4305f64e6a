-- When what a notice tells of begins, where that was still to come.
ALTER TABLE notices ADD COLUMN from_ms INTEGER;
