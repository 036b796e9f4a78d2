"""`./dev lab openstack`: the OpenStack lab to play with."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from .lab import ADMIN, KEPT, LabError, OpenStackLab, sweep

SERVERS = ("lab-one", "lab-two")


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev lab openstack", description="A real OpenStack to play with.")
    parser.add_argument("action", nargs="?", default="up", choices=("up", "down", "status", "run"))
    parser.add_argument("command", nargs=argparse.REMAINDER, help="for run: a command, with the cloud in OS_CLOUD")
    options = parser.parse_args()
    lab = OpenStackLab(KEPT)
    try:
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
            print("bringing the cloud up …", file=sys.stderr)
            lab.open()
            if not list(lab.connect(ADMIN).compute.servers(details=False, all_projects=True)):
                _seed(lab)
            print(f"up after {time.monotonic() - begin:.0f} s", file=sys.stderr)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    if options.action == "run":
        return subprocess.run(options.command, env=os.environ | lab.environment, check=False).returncode
    print(f"client  export OS_CLIENT_CONFIG_FILE={lab.clouds_yaml} OS_CLOUD={lab.cloud}")
    print(f"app     ./dev lab openstack run ./dev run -c openstack:{lab.cloud}")
    print(f"admin   OS_CLOUD={ADMIN.cloud}")
    print("end     ./dev lab openstack down")
    return 0


def _seed(lab: OpenStackLab) -> None:
    for name in SERVERS:
        lab.seed_server(name)
    for number in (1, 2):
        lab.attach_volume(lab.connect().compute.find_server(SERVERS[0]).id, lab.seed_volume(f"data-{number}"))


if __name__ == "__main__":
    sys.exit(main())
