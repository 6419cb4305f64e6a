-- A ban may end: it holds from `effective_from` to before this, or for good.
ALTER TABLE bans ADD COLUMN effective_to INTEGER;
