-- Schema 4: what people decided about identities, as a layer above the files. All of it follows from the journal's
-- lines of the kind `identity_reconciled` and is made anew from them at each act; but for `study_people`, which says
-- whom the files of a study name where they name several.

CREATE TABLE study_people (
    study_uid   TEXT NOT NULL,
    patient_key TEXT NOT NULL,
    PRIMARY KEY (study_uid, patient_key)
);

-- A study that is filed under another patient than its files name.
CREATE TABLE moved (
    study_uid   TEXT PRIMARY KEY,
    patient_key TEXT NOT NULL
);

-- An identity as a person corrected it.
CREATE TABLE corrected (
    patient_key TEXT PRIMARY KEY,
    id          TEXT NOT NULL,
    issuer      TEXT NOT NULL,
    name        TEXT NOT NULL,
    birth_date  TEXT,
    sex         TEXT
);

-- A study that named several patients and was split: each patient's images are a study of their own here.
CREATE TABLE parts (
    part_uid    TEXT PRIMARY KEY,
    study_uid   TEXT NOT NULL,
    patient_key TEXT NOT NULL
);
CREATE INDEX parts_study ON parts (study_uid);
