"""One file per port and technology; the only code that touches the world."""
