-- Schema 3: sending charges, files that were handed over, what receivers answered, how patients are insured.

-- `number` keeps the order of writing: a credit goes before the charge that takes its place. `next_at` is the earliest
-- next attempt, `problem` what went wrong at the last one or what the receiver said.
ALTER TABLE outbox ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN component TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN receiver TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN next_at TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN problem TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN answered_at TEXT NOT NULL DEFAULT '';
CREATE INDEX outbox_charge ON outbox (charge_id);
CREATE INDEX outbox_state ON outbox (state);

-- Who sends over a link just now: one program at a time, so that one message is outstanding.
CREATE TABLE links (
    receiver TEXT PRIMARY KEY,
    holder   TEXT NOT NULL,
    until    TEXT NOT NULL
);

-- Files that were handed over. The content stands here before the file is written: after a crash in between the very
-- same file is written again and no second one is made. `number` is the interchange's control number as well.
CREATE TABLE exports (
    number  INTEGER PRIMARY KEY,
    format  TEXT NOT NULL,
    body    TEXT NOT NULL,
    sha256  TEXT NOT NULL,
    file    TEXT NOT NULL,
    account TEXT NOT NULL,
    at      TEXT NOT NULL,
    written INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE exported_charges (
    export_number INTEGER NOT NULL REFERENCES exports (number),
    place         INTEGER NOT NULL,
    charge_id     TEXT NOT NULL,
    what          TEXT NOT NULL,
    PRIMARY KEY (export_number, place)
);
CREATE INDEX exported_charges_charge ON exported_charges (charge_id);

-- Each thing that a receiver said, once: the same file taken in twice says nothing new.
CREATE TABLE answers (
    digest       TEXT NOT NULL,
    place        INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    control_id   TEXT NOT NULL,
    charge_id    TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    reason       TEXT NOT NULL,
    payer_number TEXT NOT NULL,
    account      TEXT NOT NULL,
    taken_at     TEXT NOT NULL,
    PRIMARY KEY (digest, place)
);
CREATE INDEX answers_charge ON answers (charge_id);

-- How a patient is insured with a kind of payer: what a claim needs and no picture says.
CREATE TABLE coverages (
    patient_issuer TEXT NOT NULL,
    patient_id     TEXT NOT NULL,
    payer_kind     TEXT NOT NULL,
    value          TEXT NOT NULL,
    account        TEXT NOT NULL,
    at             TEXT NOT NULL,
    PRIMARY KEY (patient_issuer, patient_id, payer_kind)
);
