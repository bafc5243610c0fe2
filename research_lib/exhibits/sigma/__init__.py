"""The exhibits of `03_record_sigma`: tables, figures and sentences."""
