"""Runs a runbook step by step in a kernel of its own and records it from outside.

    progress     what a run tells while it goes, as values
    clock        a step's deadline, which stops while people decide; the kernel's time of day
    gateway      calls that survive a gateway's restart
    approvals    wait for a yes, then execute once
    broker       the runner's end of the kernel's one socket
    kernel       start, watch, interrupt and kill a kernel
    kernel_main  what runs inside the kernel's process before the first cell
    outputs      what a step printed, within its quota
    cells        one cell through nbclient
    steps        one step: recorded, executed, judged
    run          the whole run: `await run(work, gateway, …)`

Imports nothing by itself, since the kernel's process comes through here too.
"""
