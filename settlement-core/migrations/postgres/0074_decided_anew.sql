-- Lines that were decided more than once, for a suspension that is taken back: it looks for those that a promoter once had.
CREATE INDEX order_lines_decided_anew ON order_lines (created_ms) WHERE decision > 1;
