-- Reports by sub-id (a promoter's own label, `?sub=` of a tap) and of an agency's own share.

-- Clicks by civil day in Asia/Shanghai that carried a label; counted together with `click_days`. Labels are counted from
-- here on: earlier clicks stand as clicks without one.
CREATE TABLE click_subs (
    promoter BIGINT NOT NULL,
    day BIGINT NOT NULL,
    placement BIGINT NOT NULL,
    target BIGINT NOT NULL,
    sub BYTEA NOT NULL,
    clicks BIGINT NOT NULL,
    all_clicks BIGINT NOT NULL,
    PRIMARY KEY (promoter, day, placement, target, sub)
);

-- The label of the click that shows the relation; which agency has a share of the line, and how much.
ALTER TABLE order_lines ADD COLUMN sub TEXT;
ALTER TABLE order_lines ADD COLUMN agency TEXT;
ALTER TABLE order_lines ADD COLUMN agency_fen BIGINT NOT NULL DEFAULT 0;
UPDATE order_lines SET agency = s.share #>> '{payee,id}', agency_fen = (s.share ->> 'amount')::bigint
    FROM (SELECT l.platform, l.order_id, l.line_id, e.share FROM order_lines l,
        LATERAL jsonb_array_elements(l.books::jsonb #> '{amounts,shares}') AS e (share)
        WHERE l.books IS NOT NULL AND e.share ->> 'party' = 'agency') s
    WHERE order_lines.platform = s.platform AND order_lines.order_id = s.order_id AND order_lines.line_id = s.line_id;
