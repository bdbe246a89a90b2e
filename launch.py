"""The door: `python launch.py -m strategy=beam,dvts n=1,4,16,64,256` runs a whole scaling study."""

import sys

from ttc.commands.sweep import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
