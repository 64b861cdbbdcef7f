"""Use cases over ports; with web, the policy enforcement point."""
