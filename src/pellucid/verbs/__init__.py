"""One file a verb: its options and the function that wires the rooms for it.

Only here (and in the faces) do imports stand inside functions: the options are shown by `--help` and offered by
`import pellucid` without loading torch, the rooms are loaded when a verb is used.
"""
