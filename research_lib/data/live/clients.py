"""The vendors' clients, as `pull` needs them. Importing them is heavy: only those that are asked are."""

from collections.abc import Collection

from research_lib.data.live.network import Manners
from research_lib.data.live.pull import Client
from research_lib.data.live.snapshots import Store


def open_clients(names: Collection[str], *, manners: Manners, store: Store) -> dict[str, Client]:
    """Open the clients of sources, by name.

    Raises
    ------
    MissingDataError
        The SEC wants to know who asks, and SEC_IDENTITY does not say.
    """
    return {name: _open(name, manners, store) for name in names}


def _open(name: str, manners: Manners, store: Store) -> Client:
    if name == "yahoo":
        from research_lib.data.live.yahoo import Yahoo, YahooSession

        return Yahoo(session=YahooSession(timeout_s=manners.timeout_s), cache=store.directory / "yfinance")
    from research_lib.data.live.web import WebSession

    if name == "fred":
        from research_lib.data.live.fred import Fred

        return Fred(session=WebSession("FRED", timeout_s=manners.timeout_s))
    if name == "sec":
        from research_lib.data.live.sec import Sec, read_identity

        return Sec(session=WebSession("the SEC", timeout_s=manners.timeout_s), identity=read_identity())
    from research_lib.data.live.french import French

    return French(session=WebSession("Ken French's library", timeout_s=manners.timeout_s))
