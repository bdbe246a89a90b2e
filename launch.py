"""The door: `python launch.py -m strategy=beam,dvts n=1,4,16,64,256` runs a whole scaling study, as `ttc run`."""

import sys

from ttc.commands.cli import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
