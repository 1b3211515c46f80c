#!/bin/sh
# Restore what backup.sh wrote, into a database without a schema erp_feeds. Pause the DAGs before.
#   STORE=postgresql://… ERP_FEEDS_ARCHIVE=… ERP_FEEDS_HOME=… deploy/restore.sh FOLDER
# STORE is of the role that owns the tables. Afterwards: `python -m erp_feeds migrate`, then doctor, then unpause.
set -eu
umask 077
from=${1:?usage: restore.sh FOLDER}
: "${STORE:?the address of the store, postgresql://…}" "${ERP_FEEDS_ARCHIVE:?the URL of the archive}"

# The archive first: no row may be there before its original. What is there already stays.
case $ERP_FEEDS_ARCHIVE in
    file://*) mkdir -p "${ERP_FEEDS_ARCHIVE#file://}" && cp -Rpu "$from/archive/." "${ERP_FEEDS_ARCHIVE#file://}/" ;;
    s3://*) aws s3 sync "$from/archive" "$ERP_FEEDS_ARCHIVE" ;;
    *) echo "error: copy $from/archive to $ERP_FEEDS_ARCHIVE with that store's own tool" >&2; exit 1 ;;
esac
if [ -z "${ERP_FEEDS_FORGET_SECRET:-}" ] && [ -f "$from/forget_secret" ]; then
    mkdir -p "${ERP_FEEDS_HOME:-.erp-feeds}"
    cp -p "$from/forget_secret" "${ERP_FEEDS_HOME:-.erp-feeds}/forget_secret"
fi
pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="$STORE" "$from/store.dump"
echo "restored: run 'python -m erp_feeds migrate', then 'python -m erp_feeds doctor MERCHANT'"
