"""Masking secrets: finding them in every usual encoding, and putting a visible mark in place."""

from interlock_gateway.core.redaction.known import KNOWN, Known, Secret, is_weak
from interlock_gateway.core.redaction.marks import Span, counted, mark, masked, rule_word
from interlock_gateway.core.redaction.shapes import FIELD, Shape

__all__ = [
    "FIELD",
    "KNOWN",
    "Known",
    "Secret",
    "Shape",
    "Span",
    "counted",
    "is_weak",
    "mark",
    "masked",
    "rule_word",
]
