"""Ray: the engines as actors, the searches as tasks. The only package that imports ray."""

import os

# Ray reads it when it is imported. Else it would see that a launch runs under `uv run`, upload the folder it
# was started in, and start every worker by another `uv run` in that copy
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
# likewise: a Ray of our own whose GCS is gone gets no other one, and nobody has to wait a minute for that
if "RAY_ADDRESS" not in os.environ:
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "5")

from ttc.cluster.driver import run
