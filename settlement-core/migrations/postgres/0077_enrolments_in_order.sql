-- Operators look through the enrolments of all merchants, newest first: all, or those that wait for the audit.
CREATE INDEX enrolments_in_order ON enrolments (submitted_ms, id);
CREATE INDEX enrolments_to_audit ON enrolments (submitted_ms, id) WHERE state = 'auditing';
