-- Destinations that some browsers cannot simply be sent to, by merchant, and on each target as edges know it; and the
-- picture of a product, for the cards of link previews.
ALTER TABLE merchants ADD COLUMN app_page TEXT;
ALTER TABLE targets ADD COLUMN app_page TEXT;
ALTER TABLE targets ADD COLUMN image_url TEXT;
