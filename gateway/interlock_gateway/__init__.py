"""Interlock's gateway: the guarded way from a runbook to production."""
