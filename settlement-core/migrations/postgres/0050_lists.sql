-- What the consoles list: links by promoter and by target, order lines by merchant, and what promoters have chosen.

-- The placement's promoter, which never changes: a promoter's links are listed newest first over all placements. The
-- links of QR codes are left out of the lists: they stand beside the link they belong to.
ALTER TABLE links ADD COLUMN promoter BIGINT NOT NULL DEFAULT 0;
UPDATE links SET promoter = (SELECT p.promoter FROM placements p WHERE p.num = links.placement);
CREATE INDEX links_of_promoter ON links (promoter, created_at, code) WHERE qr_of IS NULL;
CREATE INDEX links_of_target ON links (target, promoter, created_at, code) WHERE qr_of IS NULL;
CREATE INDEX targets_in_order ON targets (merchant, num);
CREATE INDEX placements_of_programme ON placements (programme, promoter);
CREATE INDEX order_lines_of_merchant ON order_lines (merchant, created_ms);

-- The selection library (选品库): products that a promoter has set aside.
CREATE TABLE selections (
    promoter BIGINT NOT NULL,
    target BIGINT NOT NULL,
    selected_at BIGINT NOT NULL,
    PRIMARY KEY (promoter, target)
);
CREATE INDEX selections_in_order ON selections (promoter, selected_at, target);

CREATE INDEX plan_applications_of_promoter ON plan_applications (promoter);
CREATE INDEX rates_of_product ON rates (subject) WHERE subject_kind = 'product';
