-- Schema 1: library index, people, cases, journal, ledger, outbox. SQL that SQLite and PostgreSQL both understand;
-- where they part, a comment that begins with `only:` names the one that the next statement is for.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE patients (
    patient_key TEXT PRIMARY KEY,
    identity_key TEXT NOT NULL,
    id          TEXT NOT NULL,
    issuer      TEXT NOT NULL,
    name        TEXT NOT NULL,
    birth_date  TEXT,
    sex         TEXT
);
CREATE INDEX patients_identity ON patients (identity_key);

CREATE TABLE studies (
    study_uid   TEXT PRIMARY KEY,
    patient_key TEXT NOT NULL REFERENCES patients (patient_key),
    study_date  TEXT,
    study_time  TEXT,
    accession   TEXT NOT NULL,
    description TEXT NOT NULL,
    search      TEXT NOT NULL,
    mixed       INTEGER NOT NULL DEFAULT 0,
    state       TEXT NOT NULL DEFAULT 'new',
    imported_at TEXT NOT NULL
);
CREATE INDEX studies_patient ON studies (patient_key);
CREATE INDEX studies_date ON studies (study_date);

CREATE TABLE series (
    series_uid  TEXT PRIMARY KEY,
    study_uid   TEXT NOT NULL REFERENCES studies (study_uid),
    number      INTEGER,
    modality    TEXT NOT NULL,
    description TEXT NOT NULL
);
CREATE INDEX series_study ON series (study_uid);

CREATE TABLE instances (
    sop_uid    TEXT PRIMARY KEY,
    series_uid TEXT NOT NULL REFERENCES series (series_uid),
    sop_class  TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    size       INTEGER NOT NULL,
    place      TEXT NOT NULL UNIQUE,
    made_here  INTEGER NOT NULL,
    stored_at  TEXT NOT NULL
);
CREATE INDEX instances_series ON instances (series_uid);

CREATE TABLE accounts (
    account      TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    role         TEXT NOT NULL,
    npi          TEXT NOT NULL,
    taxonomy     TEXT NOT NULL,
    secret       TEXT NOT NULL,
    failures     INTEGER NOT NULL DEFAULT 0,
    locked_until TEXT,
    made_at      TEXT NOT NULL,
    active       INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE cases (
    study_uid TEXT PRIMARY KEY REFERENCES studies (study_uid),
    value     TEXT NOT NULL,
    saved_at  TEXT NOT NULL
);

CREATE TABLE autosave (
    study_uid TEXT NOT NULL REFERENCES studies (study_uid),
    number    INTEGER NOT NULL,
    edit      TEXT NOT NULL,
    PRIMARY KEY (study_uid, number)
);

CREATE TABLE journal (
    number    INTEGER PRIMARY KEY,
    study_uid TEXT NOT NULL,
    kind      TEXT NOT NULL,
    at        TEXT NOT NULL,
    event     TEXT NOT NULL,
    previous  TEXT NOT NULL,
    hash      TEXT NOT NULL UNIQUE
);
CREATE INDEX journal_study ON journal (study_uid);

-- The last line once more, so that a line cut off at the end is noticed.
CREATE TABLE journal_head (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    hash   TEXT NOT NULL
);

-- only: sqlite
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
-- only: sqlite
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
-- only: postgresql
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''the % is append-only'', TG_TABLE_NAME USING ERRCODE = ''restrict_violation''; END';
-- only: postgresql
CREATE TRIGGER journal_no_change BEFORE UPDATE OR DELETE ON journal FOR EACH ROW EXECUTE FUNCTION append_only();
-- only: postgresql
CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- Each row is one transition of a charge; `service_key` is filled while the charge is active.
CREATE TABLE ledger (
    number    INTEGER PRIMARY KEY,
    charge_id TEXT NOT NULL,
    state     TEXT NOT NULL,
    at        TEXT NOT NULL,
    line      TEXT NOT NULL,
    previous  TEXT NOT NULL,
    hash      TEXT NOT NULL UNIQUE
);
CREATE INDEX ledger_charge ON ledger (charge_id);
-- only: sqlite
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;
-- only: sqlite
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;
-- only: postgresql
CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION append_only();
-- only: postgresql
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- Which charge holds a service at the moment: the primary key makes double click, retry and two stations one charge.
CREATE TABLE active_services (
    service_key TEXT PRIMARY KEY,
    charge_id   TEXT NOT NULL UNIQUE
);

CREATE TABLE outbox (
    control_id TEXT PRIMARY KEY,
    charge_id  TEXT NOT NULL,
    kind       TEXT NOT NULL,
    body       TEXT NOT NULL,
    state      TEXT NOT NULL DEFAULT 'waiting',
    attempts   INTEGER NOT NULL DEFAULT 0,
    made_at    TEXT NOT NULL,
    sent_at    TEXT
);
