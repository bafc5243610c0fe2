"""What a notebook shows of a result that a cell ends with."""

import dataclasses
import importlib
import pkgutil
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import research_lib.stats
import research_lib.studies
from research_lib.shown import Shown
from research_lib.stats.inference import placement_test
from research_lib.stats.sigma import SigmaSettings


def results():
    """Every frozen dataclass of the statistics and studies."""
    for package in (research_lib.stats, research_lib.studies):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                own = isinstance(value, type) and value.__module__ == module.name
                if own and dataclasses.is_dataclass(value) and value.__dataclass_params__.frozen:
                    yield value


def test_every_result_shows_itself():
    found = list(results())
    assert len(found) > 50
    assert [one.__name__ for one in found if not issubclass(one, Shown)] == []


def test_a_result_is_shown_by_field_with_what_it_is():
    result = placement_test(np.arange(100.0), [90, 95])
    html = result._repr_html_()
    assert "<caption>Placement: The mean outcome of events against the same events placed elsewhere in time." in html
    assert '<th scope="row">n</th><td>2</td>' in html
    assert '<th scope="row">mean</th><td>92.5</td>' in html
    assert '<th scope="row">base</th><td>49.5</td>' in html


@dataclass(frozen=True)
class Nested(Shown):
    """Holds <others>.

    This line is not shown.
    """

    parts: tuple[object, ...]
    path: "pd.Series[float]"
    table: pd.DataFrame
    values: dict[str, object]
    array: np.ndarray
    text: str


def test_what_is_long_is_shown_by_size_and_span_and_text_is_escaped():
    days = pd.date_range("2024-01-01", periods=40)
    small = pd.DataFrame({"a": [1.25]}, index=["row"])
    inner = placement_test(np.arange(10.0), [3])
    html = Nested((inner, "<b>"), pd.Series(range(40), days), small, {"k": 0.5}, np.zeros((30, 4)), "<i>")._repr_html_()
    assert "<caption>Nested: Holds &lt;others&gt;.</caption>" in html
    assert "not shown" not in html
    assert "Series, 40, 2024-01-01 to 2024-02-09" in html
    assert "ndarray, 30 × 4" in html
    assert "n 1; mean 3; base 4.5; p_value 0.8" in html  # a result within a result, in a line
    assert "<td>1.25</td>" in html
    assert '<th scope="row">k</th><td>0.5</td>' in html
    assert "&lt;b&gt;" in html
    assert "&lt;i&gt;" in html
    assert html.count("<table") == html.count("</table>")


def test_what_is_missing_is_a_dash():
    html = Nested((None, float("nan"), 1.0), pd.Series(dtype=float), pd.DataFrame(), {}, np.zeros(0), "")._repr_html_()
    assert "<td>–, –, 1</td>" in html


def test_several_results_are_rows_of_one_table():
    found = tuple(placement_test(np.arange(10.0), [n]) for n in (3, 4))
    html = Nested(found, pd.Series(dtype=float), pd.DataFrame(), {}, np.zeros(0), "")._repr_html_()
    assert '<th scope="col">n</th><th scope="col">mean</th><th scope="col">base</th>' in html
    assert '<tr><th scope="row">1</th><td>1</td><td>3</td><td>4.5</td>' in html
    assert '<tr><th scope="row">2</th><td>1</td><td>4</td><td>4.5</td>' in html


@pytest.mark.parametrize("many", [(), tuple(range(50))])
def test_few_items_are_listed_and_many_counted(many):
    html = Nested(many, pd.Series(dtype=float), pd.DataFrame(), {}, np.zeros(0), "")._repr_html_()
    assert ("tuple, 50" in html) == bool(many)
    assert ("<td>none</td>" in html) == (not many)


def test_a_study_shows_itself_from_bundled_data(bundled_prices):
    from research_lib.studies import sigma

    day = sigma.sigma_of_day(bundled_prices["GSPC"], "price_z", SigmaSettings())
    assert "<caption>SigmaOfDay: " in day._repr_html_()
    assert f"<td>{day.sessions}</td>" in day._repr_html_()
