"""The JSON export and its published schema say the same."""

import json
from pathlib import Path

import jsonschema
import pytest
from interlock.export import build, build_for, render
from sample_incident import INCIDENT, sample

PUBLISHED = json.loads(
    (Path(__file__).parents[3] / "docs" / "export.schema.json").read_text("utf-8")
)


@pytest.mark.parametrize("profile", ["internal", "external", "auditor"])
def test_an_export_fits_the_schema(profile: str) -> None:
    value = json.loads(render("json", build_for(profile, INCIDENT, sample())))
    jsonschema.Draft202012Validator(PUBLISHED).validate(value)


def test_an_empty_incident_fits_the_schema() -> None:
    value = json.loads(render("json", build({}, [])))
    jsonschema.Draft202012Validator(PUBLISHED).validate(value)


def test_the_schema_refuses_what_is_no_export() -> None:
    value = json.loads(render("json", build(INCIDENT, sample())))
    del value["moments"][0]["events"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(PUBLISHED).validate(value)


def test_no_member_is_without_a_description_of_its_object() -> None:
    assert all(one.get("description") for n, one in PUBLISHED["$defs"].items() if n != "Exhibit")


def test_each_line_of_json_lines_is_a_moment_of_the_schema() -> None:
    lines = render("jsonl", build(INCIDENT, sample())).splitlines()
    moment = {"$ref": "#/$defs/Moment", "$defs": PUBLISHED["$defs"]}
    for line in lines[1:]:
        jsonschema.Draft202012Validator(moment).validate(json.loads(line))
