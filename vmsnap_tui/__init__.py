"""Terminal manager for VM snapshots on libvirt, OpenShift Virtualization and OpenStack."""

__version__ = "0.1.0"
