"""The door: `ttc <command>`, and `python launch.py`, which is `ttc run`."""

DONE, FAILED, BAD_INPUT, STOPPED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: all done; a search or an engine has failed; bad input; max_failures; Ctrl-C or SIGTERM."""
