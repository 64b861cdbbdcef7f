"""Approvals in a chat: what is posted there, what people do there, and who they are."""
