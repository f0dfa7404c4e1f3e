"""The paper account's settings are its terms, and the documentation names every one."""

from pathlib import Path

import pytest

from atlas.domain import ConfigurationError
from atlas.paper import PaperTerms
from atlas.service.config import load
from atlas.service.settings import PaperSettings

PAGE = Path(__file__).parents[3] / "docs/how-to/paper-trading.md"


def test_the_defaults_of_the_settings_are_those_of_the_terms():
    assert PaperTerms(**PaperSettings().model_dump()) == PaperTerms()
    assert {*PaperSettings.model_fields, "client_id"} == set(PaperTerms.__struct_fields__)


def test_every_setting_reaches_the_exchange():
    given = ["paper.fees=ib", "paper.slippage_ticks=2", "paper.partial_fills=true", "paper.margin=false"]
    terms = PaperTerms(**load(given, {}).settings.paper.model_dump()).at_the_exchange(1)
    assert (terms.slippage_ticks, terms.use_sizes, terms.check_margin) == (2, True, False)
    assert terms.commissions
    assert not PaperTerms().at_the_exchange(1).commissions


@pytest.mark.parametrize("wrong", ["paper.account=U1", "paper.latency_ms=-1", "paper.fees=some", "paper.hours=never"])
def test_a_wrong_setting_is_named(wrong):
    with pytest.raises(ConfigurationError, match=wrong.split("=")[0]):
        load([wrong], {})


def test_the_page_on_paper_trading_names_every_setting():
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in PaperSettings.model_fields if f"`paper.{name}`" not in text] == []
