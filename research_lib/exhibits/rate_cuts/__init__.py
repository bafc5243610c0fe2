"""The exhibits of `01_rate_cut_regimes`: tables, figures and sentences."""
