"""Ray: the engines as actors, the searches as tasks. The only package that imports ray."""

from ttc.cluster.driver import run
