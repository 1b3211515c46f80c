"""Files on local disks and object stores: archive, staging, zips."""
