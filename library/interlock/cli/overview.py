"""What `interlock` alone prints: every verb, grouped by what a responder wants to do."""

OVERVIEW = """\
interlock: incident runbooks that cannot hurt production by accident.

Look around
  demo                     the whole story on this machine in under a minute
  up                       start a gateway for this machine
  gateway                  start the gateway alone, from a configuration file
  doctor                   prove each target's lock where the gateway runs;
                           --drill lets approvers show that they can
  login CODE               log in with a one-time code
  whoami                   who you are, where, and in which roles

Respond
  incident                 open, list, show, take, role, severity, hand-over,
                           sheet, close, reopen, seal
  runbooks [find WORDS]    find a runbook; `runbooks show ID` says what it does
  run ID -i INC-1 name=…   run one in an incident, step by step
  runs show R-1            what a run did
  approvals                what waits for a yes: show, approve, deny, revoke,
                           withdraw, resolve
  slack                    whose accounts in Slack are whose: links, unlink
  note INC-1 "…"           write down what you see or think; --todo for later
  decide INC-1 "…"         write down what was decided, and why
  hypothesis               what you think is wrong: open, update, close, list

Afterwards
  timeline INC-1           what happened; --follow keeps watching
  mark INC-1 detected 12   mark a milestone on an event, or --at a time
  pin INC-1 12             put an event on top of the record
  unpin INC-1 12           take it down again
  view                     tell it in your own order: edit, show, list, diff
  follow-ups               what is to be done, of all incidents
  export INC-1 --as md     the record as md, html, ipynb, json, jsonl, csv, or
                           bundle: with everything that proves it
  evidence                 what is kept apart: list, show, redact, hold, release
  verify FILE              prove that a record is complete and unchanged;
                           --log checks the gateway's whole log
  log                      how far the record is signed and anchored; rotate-key

Ask the gateway
  targets                  which systems there are
  actions [ID]             which changes are catalogued
  sql                      what the guard thinks of a statement
  policy                   who may do what, and by which line

Add --help to any verb. Lists are tables on a terminal and tab-separated lines
in a pipe; --json prints them as JSON.
Exit codes: 0 ok, 1 failed, 2 usage, 3 finding bad, 4 not logged in, 5 denied by
policy, 6 approval denied or expired, 7 outcome unknown, 8 waiting for approval.
"""
