"""`posebridge plan` for a cluster of two unequal nodes.

A process of its own: python -m integration.plan_there THREADS EXPERIMENT STORE
"""

import os
import sys

from posebridge import cli
from posebridge.engine.cluster import LOCAL_ENVIRONMENT

# Patience with a machine that has other things to do.
for _name, _value in {**LOCAL_ENVIRONMENT, "RAY_raylet_start_wait_time_s": "240"}.items():
    os.environ.setdefault(_name, _value)

from ray.cluster_utils import Cluster  # noqa: E402 - reads the environment


def main() -> None:
    """Start the cluster, and plan."""
    threads, experiment, store = sys.argv[1:]
    cluster = Cluster()
    cluster.add_node(num_cpus=3, include_dashboard=False)
    cluster.add_node(num_cpus=7)
    words = ["plan", experiment, "--store", store, "--address", cluster.address]
    status = cli.main([*words, "--set", f"adapt.threads={threads}"])
    cluster.shutdown()  # type: ignore[no-untyped-call]
    sys.exit(status)


if __name__ == "__main__":
    main()
