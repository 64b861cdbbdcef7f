"""Slack as the chat in which approvals are asked for: the one owner of `slack_sdk`.

`at` says where Slack is; `connection` connects, and is imported only where Slack is configured.
"""
