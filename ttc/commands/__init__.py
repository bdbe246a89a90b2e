"""The door: `ttc <command>` and `python launch.py`."""
