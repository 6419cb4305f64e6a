-- The token may ask, and change nothing.
ALTER TABLE api_tokens ADD COLUMN reads_only INTEGER NOT NULL DEFAULT 0;
