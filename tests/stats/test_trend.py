"""Record closes, crossings, weekly closes and breakouts, by hand and by loop; none sees its own future."""

import numpy as np
import pandas as pd
import pytest

from research_lib.stats.trend import (
    PEAK_SESSIONS,
    breakouts,
    crossings,
    fitted_line,
    record_closes,
    weekly_closes,
    weekly_closes_above,
)

DATES = pd.bdate_range("2023-12-25", periods=400, name="date")


def series(values):
    return pd.Series([float(value) for value in values], DATES[: len(values)])


def test_record_closes_against_a_loop(walk):
    found, highest, count, last = record_closes(walk), walk.iloc[0], {}, 0
    for t, value in enumerate(walk):
        if t and value > highest:
            highest, last = value, t
            count[walk.index[t].year] = count.get(walk.index[t].year, 0) + 1
    assert found.per_year[found.per_year > 0].to_dict() == count
    assert found.last == walk.index[last]
    assert found.sessions_since == len(walk) - 1 - last


def test_an_equal_close_is_no_record():
    assert record_closes(series([1, 2, 2, 1])).last == DATES[1]
    with pytest.raises(ValueError, match="two closes"):
        record_closes(series([1]))


def test_crossings_by_hand():
    found = crossings(series([1, 1, 4, 4, 1, 1, 4]), 2)  # averages 1, 2.5, 4, 2.5, 1, 2.5
    assert (found.up, found.down, found.above, found.last) == (2, 1, True, DATES[6])
    assert (found.share_above, found.n) == (pytest.approx(2 / 6), 6)
    with pytest.raises(ValueError, match="as many closes"):
        crossings(series([1, 2]), 3)


def test_a_week_counts_when_it_is_over():
    close = series(range(1, 11))  # two weeks, Monday 25 December to Friday 5 January
    assert weekly_closes(close).tolist() == [5, 10]
    assert weekly_closes(close.iloc[:9]).tolist() == [5]
    without_friday = close.drop(DATES[4])  # a week that ends on Thursday
    assert weekly_closes(without_friday).tolist() == [4, 10]
    assert weekly_closes(without_friday.iloc[:4]).empty  # on that Thursday, Friday could still come


def test_weekly_closes_above_a_level():
    close = series([1] * 5 + [9] * 5 + [3] * 5 + [4] * 5 + [9])
    assert weekly_closes_above(close, 2).in_a_row == 3
    assert weekly_closes_above(close, 3).in_a_row == 1
    assert weekly_closes_above(close, 0.5).in_a_row == 4
    assert weekly_closes_above(close, 5).in_a_row == 0
    assert weekly_closes_above(close, 5).last == DATES[19]


def falling_with_peaks():
    """A decline with three peaks on one straight line of logarithms, 100 sessions apart."""
    logs = np.full(320, -1.0)
    for peak in (50, 150, 250):
        for distance in range(PEAK_SESSIONS):
            for t in (peak - distance, peak + distance):
                logs[t] = -0.001 * peak - 0.03 * distance
    return logs


def test_three_breakouts():
    logs = falling_with_peaks()
    line_at_end = -0.001 * 320
    for above in (-0.01, 0.01):
        found = {
            b.definition: b for b in breakouts(series(np.exp([*logs, line_at_end + above])), lookback_sessions=320)
        }
        peaks = found["line through falling peaks"]
        assert peaks.level == pytest.approx(np.exp(line_at_end))
        assert peaks.holds is (above > 0)
        assert found["highest close"].level == pytest.approx(np.exp(-0.05))
        assert found["highest close"].holds is False
        slope, intercept = np.polyfit(range(320), logs, 1)
        band = np.sqrt(((logs - intercept - slope * np.arange(320)) ** 2).sum() / 318)
        assert np.log(found["fitted line + 2 s.d."].level) == pytest.approx(intercept + slope * 320 + 2 * band)


def test_no_line_without_a_later_peak():
    rising = series(np.exp(np.linspace(0, 1, 300)))
    found = breakouts(rising, lookback_sessions=252)
    assert found[1].holds is None
    assert found[2].holds is True
    with pytest.raises(ValueError, match="needs more than 100"):
        breakouts(rising.iloc[:100], lookback_sessions=252)


def test_resistance_is_drawn_without_the_last_session(walk):
    changed = walk.copy()
    changed.iloc[-1] *= 2
    before, after = breakouts(walk, lookback_sessions=252), breakouts(changed, lookback_sessions=252)
    for one, other in zip(before, after, strict=True):
        assert one.level == other.level or np.isnan(one.level)
    assert all(one.holds in {True, None} for one in after)


def test_a_fitted_line_is_that_of_the_sessions_before():
    """An exponential trend is its own line; the last session does not move it."""
    days = pd.bdate_range("2000-01-03", periods=101, name="date")
    trend = pd.Series(np.exp(0.001 * np.arange(101)), days)
    jumped = trend.where(trend.index < days[-1], trend * 1.05)
    found = fitted_line(jumped, lookback_sessions=100)
    assert found.level == pytest.approx(trend.iloc[-1], rel=1e-12)
    assert found.value / found.level - 1 == pytest.approx(0.05)
    assert (found.definition, found.holds) == ("fitted line", True)
    with pytest.raises(ValueError, match="needs more than"):
        fitted_line(trend, lookback_sessions=101)
