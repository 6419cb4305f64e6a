-- One phone number is one name to sign in with: without hyphens, and of the mainland without +86. Of several accounts with one
-- number the oldest is called by it; the others keep their names and sign in by them.
WITH bare AS (
    SELECT num, login, replace(login, '-', '') AS name FROM accounts
), short AS (
    SELECT num, login, CASE WHEN name LIKE '+861%' AND length(name) = 14 AND substr(name, 5, 1) BETWEEN '3' AND '9'
        THEN substr(name, 4) ELSE name END AS name FROM bare
), phones AS (
    SELECT num, name FROM short WHERE login <> name AND (
        (length(name) = 11 AND name LIKE '1%' AND substr(name, 2, 1) BETWEEN '3' AND '9' AND ltrim(name, '0123456789') = '')
        OR (length(name) BETWEEN 9 AND 16 AND name LIKE '+%' AND substr(name, 2, 1) <> '0'
            AND ltrim(substr(name, 2), '0123456789') = ''))
)
UPDATE accounts SET login = phones.name FROM phones WHERE phones.num = accounts.num
    AND NOT EXISTS (SELECT 1 FROM accounts taken WHERE taken.login = phones.name)
    AND NOT EXISTS (SELECT 1 FROM phones older WHERE older.name = phones.name AND older.num < phones.num);
