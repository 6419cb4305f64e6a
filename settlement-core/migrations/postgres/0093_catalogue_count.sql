-- Counts the changes of what orders are judged by, so that a judgement in a longer transaction does not go on with what was
-- read before one of them.
INSERT INTO counters (name, value) VALUES ('catalogue', 0);
