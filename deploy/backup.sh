#!/bin/sh
# Back up what cannot be made again: the store, then the archive, and the secret of suppressed people.
#   STORE=postgresql://… ERP_FEEDS_ARCHIVE=… ERP_FEEDS_HOME=… deploy/backup.sh FOLDER
# FOLDER/store.dump is this moment's; FOLDER/archive only grows: an original is never changed. FOLDER/forget_secret is
# for another place than the dump: with both, a guess at who was suppressed can be tried.
# Needs pg_dump of the server's version or newer; for an archive in S3 the `aws` command.
set -eu
umask 077
to=${1:?usage: backup.sh FOLDER}
: "${STORE:?the address of the store, postgresql://…}" "${ERP_FEEDS_ARCHIVE:?the URL of the archive}"
mkdir -p "$to/archive"

# The store first: an original without a row is harmless, a row without its original is not.
pg_dump --format=custom --schema=erp_feeds --no-owner --no-privileges --file="$to/store.dump.new" "$STORE"
mv "$to/store.dump.new" "$to/store.dump"
case $ERP_FEEDS_ARCHIVE in
    file://*) cp -Rpu "${ERP_FEEDS_ARCHIVE#file://}/." "$to/archive/" ;;
    s3://*) aws s3 sync --exclude '*.arriving-*' "$ERP_FEEDS_ARCHIVE" "$to/archive" ;;
    *) echo "error: copy $ERP_FEEDS_ARCHIVE to $to/archive with that store's own tool" >&2; exit 1 ;;
esac
if [ -n "${ERP_FEEDS_FORGET_SECRET:-}" ]; then
    printf %s "$ERP_FEEDS_FORGET_SECRET" > "$to/forget_secret"
elif [ -f "${ERP_FEEDS_HOME:-.erp-feeds}/forget_secret" ]; then
    cp -p "${ERP_FEEDS_HOME:-.erp-feeds}/forget_secret" "$to/forget_secret"
fi
echo "backed up to $to: keep forget_secret apart from store.dump"
