-- How many other buyers' orders had brought this token when the order came, up to the few that matter: a token that many
-- bring was handed around.
ALTER TABLE order_tokens ADD COLUMN buyers_before BIGINT NOT NULL DEFAULT 0;
