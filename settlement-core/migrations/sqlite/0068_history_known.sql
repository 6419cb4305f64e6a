-- From when on a shop vouches that the core knows its buyers' history there: of a buyer without a success, who orders
-- earlier or where nothing is said, it is unknown whether they are new. Shops from before this was asked were trusted.
ALTER TABLE merchants ADD COLUMN history_known_ms INTEGER;
UPDATE merchants SET history_known_ms = 0;
