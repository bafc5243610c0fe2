"""What Ken French's data library calls the kit's series."""

FACTORS = {"MKT_RF": "Mkt-RF", "SMB": "SMB", "HML": "HML", "RF": "RF"}

# Fifths by size (S1 the smallest) and by book-to-market (V1 the lowest); the corners have names of their own.
PORTFOLIOS = {
    "S1V1": "SMALL LoBM",
    "S1V3": "ME1 BM3",
    "S1V5": "SMALL HiBM",
    "S5V1": "BIG LoBM",
    "S5V3": "ME5 BM3",
    "S5V5": "BIG HiBM",
}


def dataset_of(series_id: str) -> str:
    """Name the file in which a series stands; empty where it is none of Ken French's."""
    if series_id in FACTORS:
        return "F-F_Research_Data_Factors"
    return "25_Portfolios_5x5" if series_id in PORTFOLIOS else ""
