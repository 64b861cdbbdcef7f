"""Pages that are written from the code say what the code says."""

from house.documents import ROOT
from house.generated import (
    MEANINGS,
    agrees,
    errors_page,
    export_schema,
    settings,
    settings_page,
    variable,
)
from interlock.errors import CODES
from interlock_gateway.settings import Settings

_REWRITE = "Rewrite it: INTERLOCK_REWRITE=1 pytest tests/house"


def test_the_page_of_errors_is_what_the_table_of_codes_says() -> None:
    assert agrees(ROOT / "docs/errors.md", errors_page()), _REWRITE


def test_every_code_is_a_word_with_a_help_that_ends_like_a_sentence() -> None:
    for code, row in CODES.items():
        assert code == code.lower(), code
        assert " " not in code, code
        assert row.help.endswith((".", "`", "?")), code


def test_the_page_of_settings_is_what_the_settings_are() -> None:
    assert agrees(ROOT / "docs/settings.md", settings_page()), _REWRITE


def test_the_schema_of_exports_is_what_the_classes_are() -> None:
    assert agrees(ROOT / "docs/export.schema.json", export_schema()), _REWRITE


def test_every_setting_has_a_meaning_and_no_meaning_is_left_over() -> None:
    assert sorted(MEANINGS) == sorted(key for key, _ in settings())


def test_a_variable_of_the_page_sets_what_it_says() -> None:
    """pydantic-settings finds the names; ours are only written down."""
    names = {variable(key) for key, _ in settings()}
    assert "INTERLOCK_GATEWAY_LISTEN__PORT" in names
    prefix, between = (
        Settings.model_config["env_prefix"],
        Settings.model_config["env_nested_delimiter"],
    )
    assert names == {f"{prefix}{key.replace('.', between or '.')}".upper() for key in MEANINGS}
