"""The door: `ttc <command>`, and `python launch.py`, which is `ttc run`."""

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: all done; a search or an engine has failed; bad input; Ctrl-C or SIGTERM."""
