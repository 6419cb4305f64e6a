-- Payments of runs that came back: the next payout day sends them again.
CREATE INDEX payouts_returned ON payouts (programme, payee) WHERE state = 'returned' AND kind = 'run';
