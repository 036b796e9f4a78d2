"""`./dev lab`: the libvirt lab to play with."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from .lab import KEPT, Lab, LabError, sweep

GUESTS = ("lab-one", "lab-two")


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev lab", description="A real libvirt to play with.")
    parser.add_argument("action", nargs="?", default="up", choices=("up", "down", "status", "run"))
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, help="for run: a command, with the URI in LIBVIRT_DEFAULT_URI"
    )
    options = parser.parse_args()
    lab = Lab(KEPT)
    try:
        if options.action == "down":
            lab.close()
            sweep()
            print("the lab is down")
            return 0
        running = lab.attach()
        if options.action == "status":
            print(lab.virsh("list", "--all") if running else "the lab is down")
            return 0 if running else 1
        if not running:
            begin = time.monotonic()
            print("bringing the lab up …", file=sys.stderr)
            lab.open()
            for name in GUESTS:
                lab.define(name).start()
            for guest in lab.guests.values():
                guest.wait_agent()
            print(f"up after {time.monotonic() - begin:.0f} s", file=sys.stderr)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    if options.action == "run":
        return subprocess.run(
            options.command, env=os.environ | {"LIBVIRT_DEFAULT_URI": lab.uri}, check=False
        ).returncode
    print(f"uri     {lab.uri}")
    print(f"app     ./dev run -c '{lab.uri}'")
    print(f"virsh   {lab.virsh_command()}")
    print("end     ./dev lab down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
