-- Schema 5: chains that cannot fork, the ledger's last row once more, and a way to the charges of a service, a
-- patient's day and a study that does not read the whole ledger.

-- Each line names the one before it, and no two name the same: two writers can never both be next.
CREATE UNIQUE INDEX journal_chain ON journal (previous);
CREATE UNIQUE INDEX ledger_chain ON ledger (previous);

CREATE TABLE ledger_head (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    hash   TEXT NOT NULL
);
INSERT INTO ledger_head (one, number, hash)
    SELECT 1, number, hash FROM ledger WHERE number = (SELECT max(number) FROM ledger);

-- What a charge is for. It follows from the charge's first row alone; the row is what counts.
CREATE TABLE charges (
    charge_id      TEXT PRIMARY KEY,
    row_number     INTEGER NOT NULL,
    service_key    TEXT NOT NULL,
    patient_issuer TEXT NOT NULL,
    patient_id     TEXT NOT NULL,
    service_date   TEXT NOT NULL,
    study_uid      TEXT NOT NULL,
    session        INTEGER NOT NULL
);
CREATE INDEX charges_key ON charges (service_key);
CREATE INDEX charges_day ON charges (patient_id, service_date);
CREATE INDEX charges_study ON charges (study_uid);
-- only: sqlite (a PostgreSQL archive begins with this schema and has no charges yet)
INSERT INTO charges (charge_id, row_number, service_key, patient_issuer, patient_id, service_date, study_uid, session)
    SELECT charge_id, number, json_extract(line, '$.charge.key'),
        coalesce(json_extract(line, '$.charge.identity.patient_issuer'), ''),
        json_extract(line, '$.charge.identity.patient_id'),
        json_extract(line, '$.charge.identity.service_date'),
        coalesce(json_extract(line, '$.charge.identity.study_uid'), ''),
        coalesce(json_extract(line, '$.charge.identity.session'), 1)
    FROM ledger WHERE json_extract(line, '$.charge.key') IS NOT NULL;
