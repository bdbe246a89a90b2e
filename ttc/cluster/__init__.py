"""Ray: the engines as actors, the searches as tasks. The only package that imports ray."""

import os

# Ray reads it when it is imported. Else it would see that a launch runs under `uv run`, upload the folder it
# was started in, and start every worker by another `uv run` in that copy
os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
if not os.environ.get("RAY_ADDRESS"):
    # the Ray that ttc starts listens on loopback alone, as Ray does by itself on those systems
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    # its GCS, once gone, is replaced by no other one, and nobody has to wait a minute for that
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "5")

from ttc.cluster.driver import run
