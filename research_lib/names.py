"""How definitions and assets are written, in parameter files and in claims."""

from typing import Annotated, Literal, get_args

from pydantic import Field

SigmaName = Literal["price_z", "price_z_prior", "distance_z", "distance_expanding", "distance_vol", "return_z"]
SIGMA_NAMES: tuple[SigmaName, ...] = get_args(SigmaName)

ASSET_PATTERN = r"^[A-Za-z0-9.^=_-]+(:[a-z_]+)?$"
AssetName = Annotated[str, Field(pattern=ASSET_PATTERN)]
OptionalAssetName = Annotated[str, Field(pattern=f"^$|{ASSET_PATTERN}")]
