"""What Airflow's UI says of a merchant's DAG and of its tasks."""

from __future__ import annotations

from erp_feeds.interfaces import INTERFACES
from erp_feeds.merchant import Merchant

TASK_DOCS = {
    "sense": "Scans the inbox, and returns the new files that are complete; a replay or backfill adds "
    "archived files. Without any file the run ends here as skipped.",
    "download": "Archives the original bytes of every new file before anything reads them. Skipped where all "
    "files are archived, as in a backfill.",
    "unzip": "Unpacks the originals into the staging folder. An unsafe or damaged zip is quarantined.",
    "parse": "Reads the XML into typed frames. A record that breaks a rule is rejected, the others go on.",
    "deduplicate": "Lets the last record of a key win within each file.",
    "split": "Divides the records into what loads (profiles, orders, returns, accounts) and what is skipped.",
    "load": "Loads each file whole or not at all. Loading a file again changes no row.",
    "report": "Fails if a file is quarantined or a record rejected; everything good is loaded by then.",
    "retention": "Deletes archived originals that are older than the merchant's limit.",
}
"""The description of each task in Airflow's UI."""

_DOC = """\
### {title}

Files of **{shop_name}** ({interfaces}) go from FTPS to the store:
`sense → download → unzip → parse → deduplicate → split → load → report`.

**A run starts** as soon as complete files wait, once a day
(`{schedule}`, {timezone}), by a backfill, which replays the archived files of its days, or by
`python -m erp_feeds replay {name}` and the trigger form, which replay the files that they name.

| failed task | what it means | what to do |
|---|---|---|
| `report` | All good files are loaded; the message names the others | fix, then replay: see below |
| `sense`, `download` | The FTPS server `{connection}` fails | see the log; clear the task after the fix |
| `load` | The store cannot be reached; nothing is half written | clear the task |
| `retention` | Expired originals could not be deleted; files load all the same | clear the task |
| any other | A bug in the software, or a full disk | clear the task after the fix |

**Is it safe to run again?** Always. The originals are archived before anything reads them, each file
loads whole or not at all, and a second load of the same file changes no row.

**How are days loaded again?** By a backfill. Its days begin at midnight in {timezone}: for the dialog choose
that zone at the clock in the navigation first; on the command line give the offset, as in
`--from-date 2017-01-03T00:00+01:00`.

**What is open?** [erp_feeds_health](/dags/erp_feeds_health) stays red until it is resolved or dismissed, also
when a later run here is green.

**What was rejected, and how does it load after the fix?** `python -m erp_feeds rejects {name}`, then
`python -m erp_feeds replay {name} --file NAME`; with `--dry-run` first it shows what would change.

**What happened to a file or person?** `python -m erp_feeds files {name}` and
`python -m erp_feeds profile {name} --srs NUMBER`.
"""


def dag_doc(merchant: Merchant) -> str:
    """Return the description of a merchant's DAG: for the person on call."""
    titles = (each.title for name, each in INTERFACES.items() if name in merchant.interfaces)
    return _DOC.format(
        title=merchant.title or merchant.name,
        name=merchant.name,
        shop_name=merchant.shop_name,
        interfaces=", ".join(titles) or "no interface in the merchant file",
        schedule=merchant.schedule,
        timezone=merchant.timezone,
        connection=merchant.ftps.connection,
    )
