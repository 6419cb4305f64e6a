-- Notices and webhooks hear of links whose time is over from one walk. It goes on from the place of whichever was behind,
-- so that nothing is left out; what lay between may be told twice.
UPDATE notice_state SET
    links_until = (SELECT second FROM webhook_expiry), after_code = (SELECT code FROM webhook_expiry)
    WHERE EXISTS (SELECT 1 FROM webhook_expiry w WHERE w.second > 0
        AND (w.second < links_until OR (w.second = links_until AND w.code < after_code)));
DROP TABLE webhook_expiry;
-- `webhook_links_expiry` has these rows too.
DROP INDEX links_expiring;
