-- What a plan pays: whoever chooses among plans asks for it.
CREATE INDEX rates_of_plan ON rates (programme, plan, number) WHERE plan <> '';
