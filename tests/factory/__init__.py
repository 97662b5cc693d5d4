"""DICOM made by code, for tests."""
