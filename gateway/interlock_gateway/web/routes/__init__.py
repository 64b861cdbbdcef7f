"""HTTP routes, one file per resource, one route per use case."""
