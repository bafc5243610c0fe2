"""The README's numbers are those of the report that it quotes."""

import re

import pytest

from research_lib.data import load_prices, open_source
from research_lib.data.fundamentals import load_fundamentals
from research_lib.exhibits.rate_cuts import prose as rate_prose
from research_lib.exhibits.sigma import prose
from research_lib.parameter_files import read_parameters
from research_lib.params import MODELS
from research_lib.project import PARAMETERS, PROJECT
from research_lib.stats.sigma import SigmaSettings, sigma_path
from research_lib.studies import leverage, rate_cuts, sigma

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_quoted_answer_is_that_of_the_baseline():
    params = read_parameters(PARAMETERS / "03_record_sigma" / "baseline.yaml")
    prices = load_prices(open_source(params.source), params.symbols, as_of=params.as_of)
    close, settings = prices[params.asset], SigmaSettings(params.window, params.ddof)
    episodes = sigma.study_episodes(
        sigma_path(close, params.definition, settings), params.definition,
        threshold=params.threshold, cluster_gap_sessions=params.cluster_gap, seed=params.seed,
    )  # fmt: skip
    answer = prose.headline(
        sigma.sigma_of_day(close, params.definition, settings), episodes, sigma.followed(close, episodes)
    )
    quoted = " ".join(line[2:] for line in README.splitlines()[:24] if line.startswith("> "))
    assert quoted == answer.text.replace("**", "")


def test_the_second_quote_is_that_of_the_rate_cuts():
    params = read_parameters(PARAMETERS / "01_rate_cut_regimes" / "baseline.yaml")
    source = open_source(params.source)
    market = rate_cuts.load_market(source, params.small, params.large, monthly=True)
    policy = rate_cuts.load_policy(as_of=market.legs.index[-1].date())
    markets, broad = rate_cuts.load_alternatives(source, market), rate_cuts.load_broad(source)
    answer = rate_prose.headline(rate_cuts.answer(policy, market, markets, broad=broad, horizon=params.horizon))
    quoted = " ".join(line[2:] for line in README.splitlines()[24:] if line.startswith("> "))
    assert quoted == answer.text.replace("**", "")


def test_the_quoted_ratios_are_those_of_the_real_files(shared_data):
    params = read_parameters(PARAMETERS / "02_leverage_net_debt" / "simfin.yaml")
    options = leverage.Options(params.large, params.small, params.exclude_financials, params.zombie_years)
    statements = load_fundamentals(open_source("folder", data_dir=str(shared_data)))
    quote = leverage.check_quote(leverage.prepare(statements, options=options))
    small, large = quote.small, quote.large
    text = " ".join(README.split())
    assert f'fiscal {quote.fiscal_year}, "more than 4 for small against 1.4 for large" does not hold' in text
    assert (
        f"{small.ratio:.2f} turns of EBITDA (95% interval {small.low:.2f} to {small.high:.2f}, n = {small.n_used:,})"
        in text
    )
    assert f"against {large.ratio:.2f} ({large.low:.2f} to {large.high:.2f}, n = {large.n_used:,})" in text
    assert quote.small_holds is False
    assert small.median < large.median


@pytest.mark.parametrize("model", MODELS.values())
def test_every_parameter_is_in_the_readme(model):
    for name, field in model.model_fields.items():
        assert f"`{name}`" in README
        if isinstance(field.default, str | int | float) and field.default != "":
            assert str(field.default) in README


def test_the_two_commands_come_first():
    first = README.splitlines()[:12]
    assert any("make report" in line for line in first)
    assert any("make test" in line for line in first)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:params|notebooks|research_lib)/[\w/.]+)`", README))))
def test_files_that_the_readme_names_exist(path):
    assert (PROJECT / path).exists()
