"""A session of `requests` that says what went wrong: for pandas-datareader and the SEC."""

from typing import Any

import requests

from research_lib.data.live.network import RefusedError, TransientError, judge_body, judge_status


class WebSession(requests.Session):
    """Raises `TransientError` and `RefusedError` in place of answers that are none; each request has a time-out."""

    def __init__(self, vendor: str, *, timeout_s: float) -> None:
        super().__init__()
        self.vendor = vendor
        self.timeout_s = timeout_s

    def request(self, method: str, url: str, *args: Any, **options: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401
        """Ask, and judge the answer."""
        try:
            response = super().request(method, url, *args, **{**options, "timeout": self.timeout_s})
        except requests.exceptions.Timeout:
            raise TransientError(f"{self.vendor} did not answer within {self.timeout_s:g} s") from None
        except requests.exceptions.ChunkedEncodingError:
            raise TransientError(f"{self.vendor} cut the connection in the middle of its answer") from None
        except requests.exceptions.ConnectionError as error:
            cut = "Connection broken" in str(error) or "Remote end closed" in str(error)
            what = "cut the connection" if cut else "cannot be reached"
            raise TransientError(f"{self.vendor} {what}", for_all=not cut) from None
        judge_status(self.vendor, response.status_code, response.headers.get("Retry-After"))
        if not response.ok:
            raise RefusedError(f"{self.vendor} answered {response.status_code} {response.reason}")
        judge_body(self.vendor, response.content)
        return response
