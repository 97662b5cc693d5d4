-- Schema 2: counts beside each study, who is the same person, imports that have not ended, deletions that have.

ALTER TABLE studies ADD COLUMN modalities TEXT NOT NULL DEFAULT '';
ALTER TABLE studies ADD COLUMN series_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE studies ADD COLUMN image_count INTEGER NOT NULL DEFAULT 0;
-- only: sqlite (a PostgreSQL archive begins with this schema and has no studies yet)
UPDATE studies SET
    modalities = coalesce((SELECT group_concat(m, '\') FROM
        (SELECT DISTINCT s.modality AS m FROM series s WHERE s.study_uid = studies.study_uid ORDER BY s.modality)), ''),
    series_count = (SELECT count(*) FROM series s WHERE s.study_uid = studies.study_uid),
    image_count = (SELECT count(*) FROM instances i JOIN series s ON s.series_uid = i.series_uid
        WHERE s.study_uid = studies.study_uid);
DROP INDEX studies_date;
-- only: sqlite (there, descending means that the unknown comes last)
CREATE INDEX studies_newest ON studies (study_date DESC, study_time DESC, study_uid);
-- only: postgresql
CREATE INDEX studies_newest ON studies (study_date DESC NULLS LAST, study_time DESC NULLS LAST, study_uid);
CREATE INDEX journal_kind ON journal (kind);

-- Identities that people have declared to be of one person. What stands here follows from the journal's lines
-- alone and is made anew from them at each act; a patient without a row is a person of their own.
CREATE TABLE persons (
    patient_key TEXT PRIMARY KEY,
    person_key  TEXT NOT NULL
);
CREATE INDEX persons_person ON persons (person_key);

-- A study stands here from before its first file is copied until after its last.
CREATE TABLE arriving (
    study_uid TEXT PRIMARY KEY,
    since     TEXT NOT NULL
);

-- Files whose study is deleted, until they are gone from the disk.
CREATE TABLE leaving (
    place     TEXT PRIMARY KEY,
    study_uid TEXT NOT NULL
);
CREATE INDEX leaving_study ON leaving (study_uid);
