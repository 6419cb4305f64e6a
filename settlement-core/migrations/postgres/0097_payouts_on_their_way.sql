-- What a programme has sent and nobody has said has arrived.
CREATE INDEX payouts_on_their_way ON payouts (programme, at_ms) WHERE state = 'clearing';
