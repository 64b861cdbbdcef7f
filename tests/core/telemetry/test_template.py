"""Templates of lines and labels: what is understood, and how long they may make a line."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.telemetry.template import TemplateError, growth


@pytest.mark.parametrize(
    ("template", "times"),
    [
        ("", 1),
        ("plain } text", 1),
        ("{{.a}}", 1),
        ("{{.a}} {{ .b | lower | trunc 5 }}", 2),
        ("{{- trunc 5 .a -}}{{__line__}}{{__timestamp__}}", 3),
        ('{{ default "-" .user }}', 1),
        ("{{ eq .a .b }}", 2),
        ("{{ .a | trunc -5 }}", 1),
        ("{{ trimPrefix `x` .y | upper }}", 1),
    ],
)
def test_fields_and_functions_are_understood_and_counted(template: str, times: int) -> None:
    assert growth(template) == times


@pytest.mark.parametrize(
    "template",
    [
        *(
            "{{",
            "}}",
            "{{.a}",
            "{{ {{.a}} }}",
            "{{}}",
            "{{ }}",
            "{{|}}",
            "{{ .a | }}",
            "{{ .a | .b }}",
        ),
        *(
            "{{ .a .b }}",
            "{{ .a.b }}",
            "{{ . }}",
            "{{ $x }}",
            "{{ $x := .a }}",
            "{{ (lower .a) }}",
        ),
        *("{{ if .a }}x{{ end }}", "{{ range .a }}{{ end }}", "{{ with .a }}{{ end }}"),
        *('{{ define "x" }}{{ end }}', '{{ template "x" }}', '{{ block "x" . }}{{ end }}'),
        *("{{ repeat 9999999 .a }}", '{{ printf "%9999999d" 1 }}', "{{ alignLeft 9999999 .a }}"),
        *(
            "{{ indent 9999999 .a }}",
            '{{ replace "a" "aaaa" .x }}',
            '{{ regexReplaceAll "a" .x "b" }}',
        ),
        *(
            "{{ fromJson .a }}",
            "{{ now }}",
            "{{ lower lower .a }}",
            '{{ default "\\x" .a }}',
            "{{/* x */}}",
        ),
        *("{{ .a\x00 }}", "{{ .a;.b }}"),
    ],
)
def test_whatever_else_is_not(template: str) -> None:
    with pytest.raises(TemplateError):
        growth(template)


@given(st.text(alphabet='{}.|ab "`-_$()0', max_size=30))
def test_no_template_does_anything_but_be_understood_or_refused(template: str) -> None:
    with suppress(TemplateError):
        assert growth(template) >= 1
