-- Reports by sub-id (a promoter's own label, `?sub=` of a tap) and of an agency's own share.

-- Clicks by civil day in Asia/Shanghai that carried a label; counted together with `click_days`. Labels are counted from
-- here on: earlier clicks stand as clicks without one.
CREATE TABLE click_subs (
    promoter INTEGER NOT NULL,
    day INTEGER NOT NULL,
    placement INTEGER NOT NULL,
    target INTEGER NOT NULL,
    sub BLOB NOT NULL,
    clicks INTEGER NOT NULL,
    all_clicks INTEGER NOT NULL,
    PRIMARY KEY (promoter, day, placement, target, sub)
) STRICT, WITHOUT ROWID;

-- The label of the click that shows the relation; which agency has a share of the line, and how much.
ALTER TABLE order_lines ADD COLUMN sub TEXT;
ALTER TABLE order_lines ADD COLUMN agency TEXT;
ALTER TABLE order_lines ADD COLUMN agency_fen INTEGER NOT NULL DEFAULT 0;
UPDATE order_lines SET
    agency = (SELECT json_extract(s.value, '$.payee.id') FROM json_each(books, '$.amounts.shares') s
        WHERE json_extract(s.value, '$.party') = 'agency'),
    agency_fen = COALESCE((SELECT json_extract(s.value, '$.amount') FROM json_each(books, '$.amounts.shares') s
        WHERE json_extract(s.value, '$.party') = 'agency'), 0)
    WHERE books IS NOT NULL;
