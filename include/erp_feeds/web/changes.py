"""Changes made from a page or the API: replay, dry run, approve, dismiss; each in the name of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from fastapi import Form, Path, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field, field_validator

from erp_feeds.batch import FeedFile, Replay
from erp_feeds.errors import FailError, counted
from erp_feeds.merchant import Merchant
from erp_feeds.orchestration.replays import StartedReplay, parts, start_replay
from erp_feeds.orchestration.rest_client import airflow_api_as
from erp_feeds.store import approvals, incidents, ledger
from erp_feeds.store.load import load_order
from erp_feeds.web.configuration import configured
from erp_feeds.web.connections import Store
from erp_feeds.web.files import FileId
from erp_feeds.web.guards import Replayer
from erp_feeds.web.rendering import see_other
from erp_feeds.web.routes import Routes

TOKEN_SECONDS = 60
MAX_RUNS = 20
"""That one request starts: each is a call of Airflow, and all must be made before the token runs out."""
IncidentId = Annotated[int, Path(ge=1, le=2**62, examples=[3])]


class Replaying(BaseModel):
    """Which files run again: by ids, by a code, or of some days."""

    file_ids: list[int] = Field([], max_length=1000, examples=[[12]])
    code: str = Field("", max_length=60, description="Files with an open reject or quarantine of it.")
    since: date | None = Field(None, description="First day of the files.")
    until: date | None = Field(None, description="Last day of the files.")
    interface: str = Field("", max_length=60, description="Only files of it.", examples=["srs_customers"])
    dry_run: bool = Field(default=False, description="Only show, in the log of `sense`, what would change.")

    @field_validator("since", "until", mode="before")
    @classmethod
    def _no_day(cls, value: object) -> object:
        return value or None  # a form sends a field that was left empty


class Approving(BaseModel):
    """What the person who approves has seen."""

    rejects: int = Field(
        ge=1, description="Rejected records of the file; with more by now nothing loads.", examples=[2]
    )


class Dismissing(BaseModel):
    """Why nobody needs to act."""

    reason: str = Field(min_length=1, max_length=500, examples=["the shop is closed"])


class Dismissed(BaseModel):
    """What was dismissed."""

    incident_id: int
    merchant: str


def replay(caller: Replayer, store: Store, body: Replaying) -> list[StartedReplay]:
    """Start runs that load archived files again, as you; or that only show what would change."""
    if sum(map(bool, (body.file_ids, body.code, body.since or body.until))) != 1:
        raise FailError("use exactly one of file_ids, code and days: since, until or both", "usage")
    owner = configured(caller.merchant)
    wanted = Replay(
        file_ids=tuple(body.file_ids), rejects=body.code or None, since=body.since, until=body.until
    )
    names = [name for name in owner.interfaces if body.interface in {"", name}]
    chosen = ledger.archived(store, owner.name, names, wanted, or_unfetched=not body.dry_run)
    if not chosen:
        of_days = ": a file counts for the day in its name" if body.since or body.until else ""
        raise FailError(f"no archived file to replay{of_days}", "not_found")
    if (runs := len(parts(owner, chosen))) > MAX_RUNS:
        raise FailError(
            f"{counted(len(chosen), 'file')} need {runs} runs, and one request starts at most {MAX_RUNS}: "
            f"choose fewer days, or use `python -m erp_feeds replay {owner.name}`, which has no such limit",
            "usage",
        )
    return _started(caller, store, owner, sorted(chosen, key=load_order), dry_run=body.dry_run)


def _started(
    caller: Replayer, store: Store, owner: Merchant, files: Sequence[FeedFile], *, dry_run: bool
) -> list[StartedReplay]:
    """Start the runs in the name of the caller."""
    token = get_auth_manager().generate_jwt(caller.user, expiration_time_in_seconds=TOKEN_SECONDS)
    with airflow_api_as(token) as api:
        return start_replay(api, store, caller.name, owner, files, dry_run=dry_run)


def approve(caller: Replayer, store: Store, file_id: FileId, body: Approving) -> list[StartedReplay]:
    """Load the good records of a file that is quarantined for too many rejects, which stay open."""
    found = approvals.questions(store, file_id=file_id, merchant=caller.merchant)
    if not found:
        raise FailError(f"file {file_id} is not quarantined for too many rejects", "not_found")
    approvals.approve(store, found[0], caller.name, body.rejects)
    return replay(caller, store, Replaying(file_ids=[file_id]))


def dismiss(caller: Replayer, store: Store, incident_id: IncidentId, body: Dismissing) -> Dismissed:
    """Dismiss an incident: it is no longer red and sends no alert, until more files or records join it."""
    known = incidents.listed(store, caller.merchant)
    if incident_id not in {each.incident_id for each in known}:
        raise FailError(f"no incident {incident_id} of {caller.merchant} is open", "not_found")
    merchant = incidents.dismiss(store, incident_id, caller.name, body.reason)
    return Dismissed(incident_id=incident_id, merchant=merchant)


def reopen(caller: Replayer, store: Store, incident_id: IncidentId) -> Dismissed:
    """Let a dismissed incident of files count again; rejects are opened again on the command line."""
    known = incidents.listed(store, caller.merchant, with_dismissed=True)
    if incident_id not in {each.incident_id for each in known if each.dismissed_at}:
        raise FailError(f"no incident {incident_id} of {caller.merchant} is dismissed", "not_found")
    return Dismissed(incident_id=incident_id, merchant=incidents.reopen(store, incident_id, caller.name))


def _replay_page(
    request: Request, caller: Replayer, store: Store, body: Annotated[Replaying, Form()]
) -> RedirectResponse:
    return _to_run(request, caller, replay(caller, store, body))


def _approve_page(
    request: Request, caller: Replayer, store: Store, file_id: FileId, body: Annotated[Approving, Form()]
) -> RedirectResponse:
    return _to_run(request, caller, approve(caller, store, file_id, body))


def _to_run(request: Request, caller: Replayer, started: list[StartedReplay]) -> RedirectResponse:
    return see_other(request, f"/merchants/{caller.merchant}/runs/{started[0].run_id}")


def _dismiss_page(
    request: Request,
    caller: Replayer,
    store: Store,
    incident_id: IncidentId,
    body: Annotated[Dismissing, Form()],
) -> RedirectResponse:
    dismiss(caller, store, incident_id, body)
    known = incidents.listed(store, caller.merchant, with_dismissed=True)
    # An incident of rejects has ended with them: it cannot be opened again.
    can_reopen = incident_id in {each.incident_id for each in known}
    return see_other(request, f"/merchants/{caller.merchant}?dismissed={incident_id if can_reopen else 0}")


def _reopen_page(
    request: Request, caller: Replayer, store: Store, incident_id: IncidentId
) -> RedirectResponse:
    reopen(caller, store, incident_id)
    return see_other(request, f"/merchants/{caller.merchant}")


def add(routes: Routes) -> None:
    """Add the routes of this module."""
    path = "/merchants/{merchant}"
    run_id = "replay__2026-01-31T06:00:01.000000__1"
    link = f"https://airflow.example.com/dags/testshop/runs/{run_id}"
    run = {"run_id": run_id, "link": link, "files": 1, "state": "queued"}
    routes.post(path + "/replays", replay, example=[run], tag="Changes")
    routes.pages.post(path + "/replays")(_replay_page)
    one = path + "/files/{file_id}/approve"
    routes.post(one, approve, example=[run], tag="Changes")
    routes.pages.post(one)(_approve_page)
    one = path + "/incidents/{incident_id}/dismiss"
    routes.post(one, dismiss, example={"incident_id": 3, "merchant": "testshop"}, tag="Changes")
    routes.pages.post(one)(_dismiss_page)
    one = path + "/incidents/{incident_id}/reopen"
    routes.post(one, reopen, example={"incident_id": 3, "merchant": "testshop"}, tag="Changes")
    routes.pages.post(one)(_reopen_page)
