"""Pure decisions: values in, decision out; no clock, network, file or thread."""
