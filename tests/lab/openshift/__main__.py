"""`./dev lab openshift`: the OpenShift lab to play with."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from . import software
from .lab import KEPT, USERS, LabError, OpenShiftLab, sweep


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev lab openshift", description="A real Kubernetes API with KubeVirt's snapshots to play with."
    )
    parser.add_argument("action", nargs="?", default="up", choices=("up", "down", "status", "run", "compile"))
    parser.add_argument("command", nargs=argparse.REMAINDER, help="for run: a command, with the cluster in KUBECONFIG")
    options = parser.parse_args()
    lab = OpenShiftLab(KEPT)
    try:
        if options.action == "compile":
            software.prepare()
            return 0
        if options.action == "down":
            lab.close()
            sweep()
            print("the lab is down")
            return 0
        running = lab.attach()
        if options.action == "status":
            print(f"the lab is up and takes {lab.memory() / 2**30:.1f} GiB" if running else "the lab is down")
            return 0 if running else 1
        if not running:
            begin = time.monotonic()
            print("bringing the cluster up …", file=sys.stderr)
            lab.open()
            lab.seed_vm("lab-one")
            lab.seed_vm("lab-two", running=False)
            print(f"up after {time.monotonic() - begin:.0f} s", file=sys.stderr)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    if options.action == "run":
        return subprocess.run(options.command, env=os.environ | lab.environment, check=False).returncode
    print(f"client  export KUBECONFIG={lab.kubeconfig}")
    print(f"app     ./dev lab openshift run ./dev run -c openshift:{lab.context}")
    print(f"users   {', '.join(lab.context_of(user) for user in USERS)} (contexts)")
    print("end     ./dev lab openshift down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
