"""HTTP routes and pages; no decisions."""
