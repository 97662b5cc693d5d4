-- Schema 6: a patient is found by the number alone, for the day's charges of every case that is decided.

CREATE INDEX patients_number ON patients (id);
